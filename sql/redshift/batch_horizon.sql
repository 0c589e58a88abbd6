-- purpose:    The newest batch that was published longer ago than that.
-- parameters: pipeline, seconds
-- guarantee:  0 when there is none.
-- why:        retention is a time, never a number of batches.
SELECT COALESCE(MAX(batch), 0)
FROM sluice.batches
WHERE pipeline = {pipeline:VARCHAR(127)} AND committed_at < DATEADD(second, -{seconds:INTEGER}, GETDATE())
