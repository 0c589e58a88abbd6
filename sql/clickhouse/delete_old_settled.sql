-- purpose:    Forget what became of rejects that were deleted.
-- parameters: pipeline, batch, owner
-- guarantee:  no effect unless the sender holds the fence.
-- why:        after delete_old_rejects: without it a settled reject would be open again.
ALTER TABLE sluice.settled_rejects
DELETE WHERE pipeline = {pipeline:String} AND rejected <= {batch:UInt32}
    AND (rejected, collection, key, hash) NOT IN
    (
        SELECT batch, collection, key, hash FROM sluice.rejects WHERE pipeline = {pipeline:String}
    )
    AND (SELECT owner FROM sluice.holders WHERE pipeline = {pipeline:String}) = {owner:String}
