-- purpose:    Delete old marks of keys that are gone.
-- parameters: pipeline, seconds
-- guarantee:  only marks of batches that were published longer ago.
-- why:        a horizon in time: a mark keeps a batch of an older cut from bringing the key back, for as long as one may be under way.
DELETE FROM sluice.gone
WHERE pipeline = {pipeline:VARCHAR(127)}
    AND batch IN
    (
        SELECT batch
        FROM sluice.batches
        WHERE pipeline = {pipeline:VARCHAR(127)}
            AND committed_at < DATEADD(second, -{seconds:INTEGER}, GETDATE())
    )
