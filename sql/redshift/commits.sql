-- purpose:    The newest commit records of a pipeline, newest first.
-- parameters: pipeline, limit
-- guarantee:  only what readers see: a batch without its row here was never published.
-- why:        all state is read from here (I8): positions, the next number, what status shows.
SELECT
    pipeline, batch, plan, kind, cut, cluster, snapshot, positions, counts, spec_hash, started_at, committed_at,
    code_version
FROM sluice.batches
WHERE pipeline = {pipeline:VARCHAR}
ORDER BY batch DESC
LIMIT {limit:INTEGER}
