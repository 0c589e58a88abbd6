-- purpose:    The newest batch that was published longer ago than the horizon.
-- parameters: pipeline, seconds
-- guarantee:  0 when there is none.
-- why:        a horizon in time, never in batches: a query that runs must find the versions of its batch.
SELECT max(batch)
FROM sluice.batches
WHERE pipeline = {pipeline:String} AND committed_at < now64(3) - toIntervalSecond({seconds:UInt32})
