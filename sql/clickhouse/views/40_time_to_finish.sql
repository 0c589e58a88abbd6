-- pipeline:  publishing
-- purpose:   Seconds from Started to Finished, of the tickets that were asked for on a day (UTC): median and 95th percentile.
-- guarantee: exact: the same figures as on Redshift. Those with approx_ in their name are of a t-digest.
-- why:       from finish_days, which is small.

DROP VIEW IF EXISTS $schema.time_to_finish;

CREATE VIEW $schema.time_to_finish (
    batch UInt32 COMMENT 'The batch of which all rows are.',
    day Date32 COMMENT 'The day (UTC) on which they were asked for.',
    tickets UInt64 COMMENT 'How many of them were finished.',
    median_seconds Float64 COMMENT 'Half of them took no longer; exact.',
    p95_seconds Float64 COMMENT '95 percent of them took no longer; exact.',
    approx_median_seconds Float32 COMMENT 'As median_seconds, by a t-digest. ClickHouse alone.',
    approx_p95_seconds Float32 COMMENT 'As p95_seconds, by a t-digest. ClickHouse alone.'
) AS
SELECT
    batch,
    day,
    tickets,
    median_seconds,
    p95_seconds,
    finalizeAggregation(seconds)[1] AS approx_median_seconds,
    finalizeAggregation(seconds)[2] AS approx_p95_seconds
FROM $schema.finish_days
COMMENT 'Seconds from Started to Finished, of the tickets asked for on a day (UTC): median and 95th percentile.';

-- A view with a list of columns is made without a look at its query: this looks.
SELECT * FROM $schema.time_to_finish LIMIT 0;
