-- purpose:    Note what a maintenance DAG did.
-- parameters: pipeline, kind, action, target, reason, did, rows_before, rows_after, bytes_before, bytes_after,
--             objects_before, objects_after, seconds, dry_run, error
-- guarantee:  one row.
-- why:        the server's clock dates it.
INSERT INTO sluice.maintenance
    (pipeline, kind, action, target, reason, did, rows_before, rows_after, bytes_before, bytes_after, objects_before,
     objects_after, seconds, dry_run, error)
SELECT
    {pipeline:String}, {kind:String}, {action:String}, {target:String}, {reason:String}, {did:String},
    {rows_before:Nullable(Int64)}, {rows_after:Nullable(Int64)}, {bytes_before:Nullable(Int64)},
    {bytes_after:Nullable(Int64)}, {objects_before:Nullable(Int64)}, {objects_after:Nullable(Int64)},
    {seconds:Float64}, {dry_run:Bool}, {error:String}
