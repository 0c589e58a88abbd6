-- purpose:    The commit record of one plan, if it was published.
-- parameters: pipeline, plan
-- guarantee:  at most one row: a plan is published once (I3).
-- why:        the answer to the commit may be lost on the way; then this is how the next attempt finds out.
SELECT
    pipeline, batch, plan, kind, cut, cluster, snapshot, positions, counts, spec_hash, started_at, committed_at,
    code_version
FROM sluice.batches
WHERE pipeline = {pipeline:VARCHAR} AND plan = {plan:VARCHAR}
ORDER BY batch
LIMIT 1
