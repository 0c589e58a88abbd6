-- purpose:    Reopen the versions that an attempt closed without committing.
-- parameters: $storage, batch, pipeline, owner
-- guarantee:  no effect unless the sender holds the fence; readers never saw them closed.
-- why:        they are still the newest published state of their keys.
ALTER TABLE $storage
UPDATE _to = 4294967295
WHERE _to > {batch:UInt32} AND _to < 4294967295
    AND (SELECT owner FROM sluice.holders WHERE pipeline = {pipeline:String}) = {owner:String}
