-- purpose:    Forget what became of rejects that were deleted.
-- parameters: pipeline, batch
-- guarantee:  part of the transaction that deleted them.
-- why:        after delete_old_rejects: without it a settled reject would be open again.
DELETE FROM sluice.settled_rejects
WHERE pipeline = {pipeline:VARCHAR(127)} AND rejected <= {batch:INTEGER}
    AND NOT EXISTS
    (
        SELECT 1
        FROM sluice.rejects AS found
        WHERE found.pipeline = sluice.settled_rejects.pipeline AND found.batch = sluice.settled_rejects.rejected
            AND found.collection = sluice.settled_rejects.collection AND found."key" = sluice.settled_rejects."key"
            AND COALESCE(found.hash, 0) = sluice.settled_rejects.hash
    )
