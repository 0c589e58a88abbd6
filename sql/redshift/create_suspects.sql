-- purpose:    A table for the keys of a collection whose document and rows may differ.
-- parameters: $suspects
-- guarantee:  empty; not there for anyone else before the comparison has committed.
-- why:        in the order of the keys, so that they are fetched some at a time, however many there are (I6).
CREATE TABLE $suspects
    ("key" VARCHAR(1024) NOT NULL, found BIGINT NOT NULL, hash BIGINT, torn INTEGER NOT NULL)
DISTSTYLE KEY DISTKEY ("key") COMPOUND SORTKEY ("key")
