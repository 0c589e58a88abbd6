-- purpose:    Delete the rejects of this batch and of earlier ones that were settled by then.
-- parameters: $quarantine, pipeline, batch, owner
-- guarantee:  no effect unless the sender holds the fence. Never an open one: nothing else says that its document is
--             not as it should be. Nor one that somebody dropped: the document, rejected again as it was, would be open.
-- why:        a publisher leaves out a reject that is there already: gone in that moment, it would be nowhere.
ALTER TABLE sluice.rejects
DELETE WHERE pipeline = {pipeline:String} AND batch <= {batch:UInt32}
    AND (batch, collection, key, hash) NOT IN
    (
        SELECT batch, collection, key, hash
        FROM $quarantine
        WHERE settled_by > {batch:UInt32} OR newest AND state IN ('open', 'dropped')
    )
    AND (SELECT owner FROM sluice.holders WHERE pipeline = {pipeline:String}) = {owner:String}
