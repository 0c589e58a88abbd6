-- purpose:    Which of these plans are published, and were so longer ago than that?
-- parameters: pipeline, plans, seconds
-- guarantee:  only plans that are published.
-- why:        cleanup deletes by commit record alone; by the clock that dated it, so that a wrong one elsewhere ends nothing.
SELECT plan, committed_at < now64(3) - toIntervalSecond({seconds:UInt32})
FROM sluice.batches
WHERE pipeline = {pipeline:String} AND plan IN {plans:Array(String)}
