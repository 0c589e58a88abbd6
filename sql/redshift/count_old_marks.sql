-- purpose:    How many marks of keys that are gone are old?
-- parameters: pipeline, seconds
-- guarantee:  what purge_gone deletes.
-- why:        whether the purge is worth its lock.
SELECT COUNT(*)
FROM sluice.gone
WHERE pipeline = {pipeline:VARCHAR(127)}
    AND batch IN
    (
        SELECT batch
        FROM sluice.batches
        WHERE pipeline = {pipeline:VARCHAR(127)}
            AND committed_at < DATEADD(second, -{seconds:INTEGER}, GETDATE())
    )
