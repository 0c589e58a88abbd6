-- purpose:    Put a finished table in the place of another.
-- parameters: $one, $other
-- guarantee:  atomic: there is a whole table under the name at every moment.
-- why:        what publish reads is always the work of one attempt, from first to last row.
EXCHANGE TABLES $one AND $other
