-- purpose:    Copy one row of each key that was landed more than once; of a child, the rows of the kept document.
-- parameters: $target, $staging, $columns, $key, $keys, $kept
-- guarantee:  one row a key; children follow the document they came with, by its hash.
-- why:        the same document read twice has the same hash, so that even then one row is left.
INSERT INTO $target ($columns)
SELECT $columns
FROM $staging
WHERE ($key, _hash) IN (SELECT key, hash FROM $kept)
LIMIT 1 BY $keys
