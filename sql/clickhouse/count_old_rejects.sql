-- purpose:    How many rejects have this batch and earlier ones?
-- parameters: pipeline, batch
-- guarantee:  what delete_old_rejects deletes.
-- why:        deleting nothing would still cost a mutation.
SELECT count()
FROM sluice.rejects
WHERE pipeline = {pipeline:String} AND batch <= {batch:UInt32}
