-- purpose:    Find a key with a wrong row at a batch, among the documents that the batch wrote or ended.
-- parameters: $at, $keys, $key, $parents, $parent_key, batch, slices, slice
-- guarantee:  no row when each of them is visible at most once, and only as this batch wrote it, children included.
-- why:        a version that was not closed is the one mistake that neither counts nor readers would notice soon.
SELECT $keys
FROM $at(batch = {batch:UInt32})
WHERE $key IN
    (
        SELECT $parent_key
        FROM $parents
        WHERE _from = {batch:UInt32} AND _to != 0 AND xxHash64($parent_key) % {slices:UInt16} = {slice:UInt16}
    )
GROUP BY $keys
HAVING count() > 1 OR min(_from) < {batch:UInt32}
LIMIT 1
