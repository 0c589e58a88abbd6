-- purpose:    Collect the statistics of one table.
-- parameters: $table
-- guarantee:  changes no row.
-- why:        the planner chooses by them, and publish changes what they say.
ANALYZE $table
