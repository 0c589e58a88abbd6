-- purpose:    Remove the rejects of an attempt that never committed.
-- parameters: pipeline, batch, owner
-- guarantee:  no effect unless the sender holds the fence.
-- why:        the next batch takes the same number, and would show them as its own.
ALTER TABLE sluice.rejects
DELETE WHERE pipeline = {pipeline:String} AND batch > {batch:UInt32}
    AND (SELECT owner FROM sluice.holders WHERE pipeline = {pipeline:String}) = {owner:String}
