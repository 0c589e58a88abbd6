-- purpose:    How many open versions does this batch replace or end?
-- parameters: $storage, $key, $parents, $parent_key, $skipped, batch, slices, slice
-- guarantee:  exactly the rows that close_versions closes.
-- why:        closing rewrites a column of every part it touches; an initial load and most new keys close nothing.
SELECT count()
FROM $storage
WHERE _to = 4294967295 AND _from < {batch:UInt32}
    AND $key IN
    (
        SELECT $parent_key
        FROM $parents
        WHERE xxHash64($parent_key) % {slices:UInt16} = {slice:UInt16}
            AND $parent_key NOT IN (SELECT key FROM $skipped WHERE slice = {slice:UInt16})
    )
