-- purpose:    What is published of later cuts?
-- parameters: pipeline, cluster, plan
-- guarantee:  (counts) of each such batch; no row for the batch of the latest cut.
-- why:        a collection that was loaded whole at a later cut is known to the last key (I4).
SELECT counts
FROM sluice.batches
WHERE pipeline = {pipeline:String} AND (cluster, plan) > ({cluster:UInt64}, {plan:String})
