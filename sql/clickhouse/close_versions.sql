-- purpose:    Close the open versions that this batch replaces or ends, of a document or of its children.
-- parameters: $storage, $key, $parents, $parent_key, $skipped, batch, slices, slice, pipeline, owner
-- guarantee:  no effect unless the sender holds the fence. Readers see nothing of it before the commit record.
-- why:        ALTER rather than the lightweight UPDATE, which makes reads 3 to 10 times slower until it is merged.
ALTER TABLE $storage
UPDATE _to = {batch:UInt32}
WHERE _to = 4294967295 AND _from < {batch:UInt32}
    AND $key IN
    (
        SELECT $parent_key
        FROM $parents
        WHERE xxHash64($parent_key) % {slices:UInt16} = {slice:UInt16}
            AND $parent_key NOT IN (SELECT key FROM $skipped WHERE slice = {slice:UInt16})
    )
    AND (SELECT owner FROM sluice.holders WHERE pipeline = {pipeline:String}) = {owner:String}
