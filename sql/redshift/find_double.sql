-- purpose:    Find keys with a wrong row, among those that a batch wrote or ended.
-- parameters: $storage, $keys, $key, $parents, $parent_key, $skipped, batch
-- guarantee:  (0, NULL) when each of them is there once, and only as this batch wrote it, children included; one that is
--             gone not at all. Else how many are not, and one of them.
-- why:        keys are not enforced here, and a row that was not replaced is seen by no count of the batch's own rows. By
--             the staged keys, which lie beside their rows: the storage is looked at once.
SELECT COUNT(*), MIN(CAST($key AS VARCHAR(1024)))
FROM
(
    SELECT $key
    FROM $storage
    WHERE $key IN (SELECT $parent_key FROM $parents WHERE $parent_key NOT IN (SELECT "key" FROM $skipped))
    GROUP BY $keys
    HAVING COUNT(*) > 1 OR MIN(_from) < {batch:INTEGER}
) AS wrong
