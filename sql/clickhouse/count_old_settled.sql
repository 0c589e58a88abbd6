-- purpose:    How many notes are there of what became of rejects that are gone, or are due?
-- parameters: $quarantine, pipeline, batch
-- guarantee:  what delete_old_settled deletes, after delete_old_rejects.
-- why:        a cleanup that died between the two left notes of rejects that are gone.
SELECT count()
FROM sluice.settled_rejects
WHERE pipeline = {pipeline:String} AND rejected <= {batch:UInt32}
    AND (rejected, collection, key, hash) NOT IN
    (
        SELECT batch, collection, key, hash
        FROM $quarantine
        WHERE settled_by > {batch:UInt32} OR newest AND state IN ('open', 'dropped')
    )
