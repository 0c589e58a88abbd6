-- purpose:    The key table of a collection: each id that was ever seen, in its documents or in references, and its number.
-- parameters: $keys, $type
-- guarantee:  empty; not there for anyone else before the transaction commits.
-- why:        IDENTITY gives unique numbers, with gaps, in no order; nothing else may give them, as a copy of the table would.
CREATE TABLE $keys (id $type NOT NULL, number BIGINT IDENTITY(1, 1))
DISTSTYLE KEY DISTKEY (id) COMPOUND SORTKEY (id)
