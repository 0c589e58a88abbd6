-- purpose:    Mark open rejects as dealt with.
-- parameters: $quarantine, pipeline, collection, column, reason, batch, key, who, why
-- guarantee:  nothing is deleted. Batch 0: it is seen at once, and no publisher takes it away. A document that is rejected
--             again as it was stays dropped; as something else, it is a new reject.
-- why:        needs no fence: whatever a publisher writes of the same reject meanwhile, it is settled.
INSERT INTO sluice.settled_rejects (pipeline, collection, key, hash, rejected, outcome, batch, who, why)
SELECT {pipeline:String}, collection, key, hash, batch, 'dropped', 0, {who:String}, {why:String}
FROM $quarantine
WHERE state = 'open'
    AND ({collection:String} = '' OR collection = {collection:String})
    AND ({column:String} = '' OR column = {column:String})
    AND ({reason:String} = '' OR reason = {reason:String})
    AND ({batch:UInt32} = 0 OR batch = {batch:UInt32})
    AND ({key:String} = '' OR key = {key:String})
