-- purpose:    Write the new versions of a collection's own table, and a mark for each key that is gone.
-- parameters: $storage, $columns, $staging, $key, $compared, batch, slices, slice, pipeline, owner
-- guarantee:  no effect unless the sender holds the fence. Readers see nothing of it before the commit record.
-- why:        the mark (from = to, never visible) keeps a batch of an older cut from bringing the key back (I4).
INSERT INTO $storage ($columns, _from, _to)
SELECT $columns, {batch:UInt32}, if(_gone, {batch:UInt32}, 4294967295)
FROM $staging
WHERE xxHash64($key) % {slices:UInt16} = {slice:UInt16}
    AND $key NOT IN (SELECT key FROM $compared WHERE slice = {slice:UInt16} AND fate != 'replaced')
    AND (SELECT owner FROM sluice.holders WHERE pipeline = {pipeline:String}) = {owner:String}
