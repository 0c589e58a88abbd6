-- purpose:    What does a table hold, and how much of it did a batch write?
-- parameters: $storage, batch
-- guarantee:  (rows, rows of that batch).
-- why:        counted where they were written, not where they came from (I1).
SELECT COUNT(*), COUNT(CASE WHEN _from = {batch:INTEGER} THEN 1 END) FROM $storage
