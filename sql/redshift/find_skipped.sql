-- purpose:    Decide which staged keys are not published: superseded, or unchanged.
-- parameters: $skipped, $staging, $storage, $key, pipeline, collection, cluster, plan, rewrite, base
-- guarantee:  superseded: the key's row, or the mark that it is gone, was written by a batch of a later cut (I4), and for
--             a replay by any batch after base.
--             unchanged: the stored row is the same document; with rewrite none is, and what is right is written again.
-- why:        by cut, not by modified date: dates are data, and may run back.
INSERT INTO $skipped ("key", superseded)
WITH later AS
(
    SELECT batch
    FROM sluice.batches
    WHERE pipeline = {pipeline:VARCHAR}
        AND
        (
            ({base:INTEGER} > 0 AND batch > {base:INTEGER})
            OR ({base:INTEGER} = 0
                AND (cluster > {cluster:BIGINT} OR (cluster = {cluster:BIGINT} AND plan > {plan:VARCHAR})))
        )
),
known AS
(
    SELECT
        staged.$key AS _key,
        (written.batch IS NOT NULL OR ended.batch IS NOT NULL) AS _superseded,
        (NOT {rewrite:BOOLEAN} AND master.$key IS NOT NULL AND NOT staged._gone AND master._hash = staged._hash) AS _unchanged
    FROM $staging AS staged
    LEFT JOIN $storage AS master ON master.$key = staged.$key
    LEFT JOIN sluice.gone AS gone
        ON gone."key" = CAST(staged.$key AS VARCHAR(1024))
            AND gone.pipeline = {pipeline:VARCHAR} AND gone.collection = {collection:VARCHAR}
    LEFT JOIN later AS written
        ON written.batch = CASE WHEN {base:INTEGER} > 0 THEN master._from ELSE COALESCE(master._read, master._from) END
    LEFT JOIN later AS ended ON ended.batch = gone.batch
)
SELECT _key, _superseded FROM known WHERE _superseded OR _unchanged
