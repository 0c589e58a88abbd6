-- purpose:    Stage the children of replayed documents as they are.
-- parameters: $staging, $columns, $storage, $key, $parents, $parent_key
-- guarantee:  those that are there now.
-- why:        publish replaces children together with their document.
INSERT INTO $staging ($columns, _hash)
SELECT $columns, 0
FROM $storage
WHERE $key IN (SELECT $parent_key FROM $parents)
