-- purpose:    Which of these plans are published, and were so longer ago than that?
-- parameters: pipeline, $plans, seconds
-- guarantee:  only plans that are published.
-- why:        cleanup deletes by commit record alone; by the clock that dated it, so that a wrong one elsewhere ends nothing.
SELECT plan, committed_at < DATEADD(second, -{seconds:INTEGER}, GETDATE())
FROM sluice.batches
WHERE pipeline = {pipeline:VARCHAR(127)} AND plan IN ($plans)
