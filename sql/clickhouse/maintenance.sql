-- purpose:    What the maintenance DAGs did for a pipeline, newest first.
-- parameters: pipeline, kind, limit
-- guarantee:  an empty kind means any.
-- why:        read by people: the page and the command line.
SELECT
    pipeline, kind, action, target, reason, did, rows_before, rows_after, bytes_before, bytes_after, objects_before,
    objects_after, seconds, dry_run, error, at
FROM sluice.maintenance
WHERE pipeline = {pipeline:String} AND ({kind:String} = '' OR kind = {kind:String})
ORDER BY at DESC
LIMIT {limit:UInt32}
