-- pipeline:  publishing
-- purpose:   Seconds from Started to Finished, of the tickets that were asked for on a day (UTC): median and 95th percentile.
-- guarantee: exact, interpolated between neighbours as PERCENTILE_CONT does: the same figures as on Redshift. Those with
--            approx_ in their name are of a t-digest, which takes a fraction of the time over years of tickets.
-- why:       states add up: the same columns over a month or a topic are one GROUP BY over ticket_days away.

DROP VIEW IF EXISTS $schema.time_to_finish;

CREATE VIEW $schema.time_to_finish AS
SELECT
    batch,
    day,
    countMerge(finished) AS tickets,
    quantilesExactInclusiveMerge(0.5, 0.95)(seconds) AS exact,
    quantilesTDigestMerge(0.5, 0.95)(seconds_digest) AS approximate,
    exact[1] AS median_seconds,
    exact[2] AS p95_seconds,
    approximate[1] AS approx_median_seconds,
    approximate[2] AS approx_p95_seconds
FROM $schema.ticket_days
WHERE status = 'Finished'
GROUP BY batch, day
HAVING tickets > 0
COMMENT 'Seconds from Started to Finished, of the tickets asked for on a day (UTC): median and 95th percentile.';
