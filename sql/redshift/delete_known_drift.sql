-- purpose:    Take out what was known of the paths that a batch saw again.
-- parameters: pipeline, batch
-- guarantee:  one row a path stays: the one of that batch.
-- why:        it says all that the older one said. In the publishing transaction, after insert_drift.
DELETE FROM sluice.drift
USING sluice.drift AS seen
WHERE sluice.drift.pipeline = {pipeline:VARCHAR(127)} AND sluice.drift.batch < {batch:INTEGER}
    AND seen.pipeline = sluice.drift.pipeline AND seen.batch = {batch:INTEGER}
    AND seen.collection = sluice.drift.collection AND seen.path = sluice.drift.path
