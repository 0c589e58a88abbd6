-- purpose:    Delete the rejects of this batch and of earlier ones.
-- parameters: pipeline, batch, owner
-- guarantee:  no effect unless the sender holds the fence.
-- why:        a publisher leaves out a reject that is there already: gone in that moment, it would be nowhere.
ALTER TABLE sluice.rejects
DELETE WHERE pipeline = {pipeline:String} AND batch <= {batch:UInt32}
    AND (SELECT owner FROM sluice.holders WHERE pipeline = {pipeline:String}) = {owner:String}
