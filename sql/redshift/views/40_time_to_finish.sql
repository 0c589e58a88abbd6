-- pipeline:  publishing
-- purpose:   Seconds from Started to Finished, of the tickets that were asked for on a day (UTC): median and 95th percentile.
-- guarantee: exact: the same figures as on ClickHouse.
-- why:       from finish_days, which is small.

DROP VIEW IF EXISTS $schema.time_to_finish;

CREATE VIEW $schema.time_to_finish AS
SELECT batch, day, tickets, median_seconds, p95_seconds
FROM $schema.finish_days
WITH NO SCHEMA BINDING;

COMMENT ON VIEW $schema.time_to_finish IS
'Seconds from Started to Finished, of the tickets asked for on a day (UTC): median and 95th percentile.';
