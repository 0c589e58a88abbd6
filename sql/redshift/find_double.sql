-- purpose:    Find a key with more than one row, among those that a batch wrote.
-- parameters: $storage, $keys, $key, $parents, $parent_key, batch
-- guarantee:  no row when each is there once, and only as this batch wrote it, children included.
-- why:        keys are not enforced here, and a row that was not replaced is seen by no count of the batch's own rows.
SELECT $keys
FROM $storage
WHERE $key IN (SELECT $parent_key FROM $parents WHERE _from = {batch:INTEGER})
GROUP BY $keys
HAVING COUNT(*) > 1 OR MIN(_from) < {batch:INTEGER}
LIMIT 1
