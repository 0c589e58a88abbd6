-- purpose:    Copy the rows whose key was landed once.
-- parameters: $target, $staging, $columns, $key, $kept
-- guarantee:  every row but those of repeated keys.
-- why:        only the few repeated keys have to be held in memory.
INSERT INTO $target ($columns)
SELECT $columns
FROM $staging
WHERE $key NOT IN (SELECT key FROM $kept)
