-- purpose:    How many notes are there of what became of rejects of this batch and earlier ones?
-- parameters: pipeline, batch
-- guarantee:  what delete_old_settled deletes, beside delete_old_rejects.
-- why:        a dry run says so.
SELECT COUNT(*)
FROM sluice.settled_rejects
WHERE pipeline = {pipeline:VARCHAR(127)} AND rejected <= {batch:INTEGER}
