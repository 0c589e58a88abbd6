-- pipeline:  publishing
-- purpose:   Seconds from Started to Finished, of the tickets that were asked for on a day: median and 95th percentile, and
--            the t-digest of which those of a month are made.
-- guarantee: true to one published batch, the one in its column `batch`. Readers see all of a refresh or none of it.
--            Exact, interpolated between neighbours as PERCENTILE_CONT does; what comes of the digest is approximate.
-- why:       figures rather than states of exact percentiles: such a state holds every value, and merging those of four
--            million tickets took nearly twice as long as asking the tickets.

DROP VIEW IF EXISTS $schema.finish_days SYNC;

CREATE MATERIALIZED VIEW $schema.finish_days
REFRESH EVERY 1 DAY (
    batch UInt32 COMMENT 'The batch of which all rows are.',
    day Date32 COMMENT 'The day (UTC) on which they were asked for.',
    tickets UInt64 COMMENT 'How many of them were finished.',
    median_seconds Float64 COMMENT 'Half of them took no longer; exact.',
    p95_seconds Float64 COMMENT '95 percent of them took no longer; exact.',
    seconds AggregateFunction(quantilesTDigest(0.5, 0.95), Float64) COMMENT 'Their t-digest, as a state: quantilesTDigestMerge(0.5, 0.95)(seconds), over several days too.'
)
ENGINE = MergeTree
ORDER BY (batch, day)
EMPTY
AS WITH (SELECT max(batch) FROM sluice.batches WHERE pipeline = $pipeline) AS newest
SELECT
    assumeNotNull(newest) AS batch,
    day,
    count() AS tickets,
    quantileExactInclusive(0.5)(taken) AS median_seconds,
    quantileExactInclusive(0.95)(taken) AS p95_seconds,
    quantilesTDigestState(0.5, 0.95)(taken) AS seconds
FROM (
    SELECT
        assumeNotNull(toDate32(created_at)) AS day,
        assumeNotNull(dateDiff('millisecond', created_at, updated_at) / 1000) AS taken
    FROM $tickets
    WHERE _from <= newest AND _to > newest
        AND status = 'Finished' AND created_at IS NOT NULL AND updated_at IS NOT NULL
)
GROUP BY day
COMMENT 'Seconds from Started to Finished by day; read `seconds` with quantilesTDigestMerge(0.5, 0.95). batch says of which.';

SYSTEM REFRESH VIEW $schema.finish_days;

SYSTEM WAIT VIEW $schema.finish_days;
