-- purpose:    How many rejects have this batch and earlier ones?
-- parameters: pipeline, batch
-- guarantee:  what delete_old_rejects deletes.
-- why:        a dry run says so, and without any nobody is kept waiting for the lock.
SELECT COUNT(*)
FROM sluice.rejects
WHERE pipeline = {pipeline:VARCHAR(127)} AND batch <= {batch:INTEGER}
