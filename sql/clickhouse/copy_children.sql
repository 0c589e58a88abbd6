-- purpose:    Stage the children of replayed documents as they are.
-- parameters: $staging, $columns, $storage, $key, $parents, $parent_key, base, slices, slice
-- guarantee:  as readers saw them at the batch base.
-- why:        publish replaces children together with their document.
INSERT INTO $staging ($columns, _hash)
SELECT $columns, 0
FROM $storage
WHERE _from <= {base:UInt32} AND _to > {base:UInt32} AND xxHash64($key) % {slices:UInt16} = {slice:UInt16}
    AND $key IN (SELECT $parent_key FROM $parents WHERE xxHash64($parent_key) % {slices:UInt16} = {slice:UInt16})
