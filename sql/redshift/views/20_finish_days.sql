-- pipeline:  publishing
-- purpose:   Seconds from Started to Finished, of the tickets that were asked for on a day: median and 95th percentile.
-- guarantee: as ticket_days. Exact, interpolated between neighbours.
-- why:       percentiles cannot be added up, so that they have an aggregate of their own.

DROP MATERIALIZED VIEW IF EXISTS $schema.finish_days;

CREATE MATERIALIZED VIEW $schema.finish_days
DISTSTYLE ALL SORTKEY (day)
AUTO REFRESH NO
AS SELECT
    newest.batch,
    ticket.day,
    COUNT(*) AS tickets,
    PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY ticket.seconds) AS median_seconds,
    PERCENTILE_CONT(0.95) WITHIN GROUP (ORDER BY ticket.seconds) AS p95_seconds
FROM (
    SELECT
        CAST(created_at AT TIME ZONE 'UTC' AS DATE) AS day,
        CAST(DATEDIFF(millisecond, created_at AT TIME ZONE 'UTC', updated_at AT TIME ZONE 'UTC') AS DOUBLE PRECISION)
            / 1000 AS seconds
    FROM $tickets
    WHERE status = 'Finished' AND created_at IS NOT NULL AND updated_at IS NOT NULL
) AS ticket
CROSS JOIN (SELECT MAX(batch) AS batch FROM sluice.batches WHERE pipeline = $pipeline) AS newest
GROUP BY 1, 2;
