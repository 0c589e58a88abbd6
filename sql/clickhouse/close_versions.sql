-- purpose:    Close the open versions that this batch replaces or ends, of a document or of its children.
-- parameters: $storage, $key, $compared, batch, slice, pipeline, owner
-- guarantee:  no effect unless the sender holds the fence. Readers see nothing of it before the commit record.
-- why:        ALTER rather than the lightweight UPDATE, which makes reads 3 to 10 times slower until it is merged.
ALTER TABLE $storage
UPDATE _to = {batch:UInt32}
WHERE _to = 4294967295 AND _from < {batch:UInt32}
    AND $key IN (SELECT key FROM $compared WHERE slice = {slice:UInt16} AND fate = 'replaced')
    AND (SELECT owner FROM sluice.holders WHERE pipeline = {pipeline:String}) = {owner:String}
