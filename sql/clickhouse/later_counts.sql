-- purpose:    What is published of later cuts?
-- parameters: pipeline, cluster, plan
-- guarantee:  (kind, positions, counts) of each such batch; no row for the batch of the latest cut.
-- why:        a collection that was loaded whole at a later cut is known to the last key, and a live batch of a later cut
--             has read whatever changed before it (I4).
SELECT kind, positions, counts
FROM sluice.batches
WHERE pipeline = {pipeline:String} AND (cluster, plan) > ({cluster:UInt64}, {plan:String})
