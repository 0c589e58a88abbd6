-- purpose:    Note what a maintenance DAG did.
-- parameters: pipeline, kind, action, target, reason, did, rows_before, rows_after, bytes_before, bytes_after,
--             objects_before, objects_after, seconds, dry_run, error
-- guarantee:  one row.
-- why:        the cluster's clock dates it.
INSERT INTO sluice.maintenance
    (pipeline, kind, action, target, reason, did, rows_before, rows_after, bytes_before, bytes_after, objects_before,
     objects_after, seconds, dry_run, error)
VALUES
    ({pipeline:VARCHAR(127)}, {kind:VARCHAR(16)}, {action:VARCHAR(64)}, {target:VARCHAR(2048)},
     {reason:VARCHAR(2048)}, {did:VARCHAR(2048)}, {rows_before:BIGINT}, {rows_after:BIGINT}, {bytes_before:BIGINT},
     {bytes_after:BIGINT}, {objects_before:BIGINT}, {objects_after:BIGINT}, {seconds:DOUBLE PRECISION},
     {dry_run:BOOLEAN}, {error:VARCHAR(4096)})
