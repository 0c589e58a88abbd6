-- purpose:    Forget what became of rejects that were deleted.
-- parameters: pipeline, batch
-- guarantee:  part of the transaction that deleted them.
-- why:        after delete_old_rejects: without it a settled reject would be open again.
DELETE FROM sluice.settled_rejects
WHERE pipeline = {pipeline:VARCHAR(127)} AND rejected <= {batch:INTEGER}
