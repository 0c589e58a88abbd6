-- purpose:    How many notes are there of what became of rejects of this batch and earlier ones?
-- parameters: pipeline, batch
-- guarantee:  what delete_old_settled deletes, beside delete_old_rejects.
-- why:        a cleanup that died between the two left notes of rejects that are gone.
SELECT count()
FROM sluice.settled_rejects
WHERE pipeline = {pipeline:String} AND rejected <= {batch:UInt32}
