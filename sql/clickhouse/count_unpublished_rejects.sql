-- purpose:    Did an attempt that never committed leave rejects?
-- parameters: pipeline, batch
-- guarantee:  counts above the newest published batch.
-- why:        as for versions: mostly there are none.
SELECT count()
FROM sluice.rejects
WHERE pipeline = {pipeline:String} AND batch > {batch:UInt32}
