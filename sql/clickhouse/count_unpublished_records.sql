-- purpose:    Did an attempt that never committed leave rows in a control table: rejects, drift?
-- parameters: $table, pipeline, batch
-- guarantee:  counts above the newest published batch.
-- why:        as for versions: mostly there are none.
SELECT count()
FROM $table
WHERE pipeline = {pipeline:String} AND batch > {batch:UInt32}
