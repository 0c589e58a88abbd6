-- purpose:    How many rows of undeclared paths are there besides the newest of each?
-- parameters: pipeline, batch
-- guarantee:  what delete_old_drift deletes.
-- why:        deleting nothing would still cost a mutation.
SELECT count() - uniqExact(collection, path)
FROM sluice.drift
WHERE pipeline = {pipeline:String} AND batch <= {batch:UInt32}
