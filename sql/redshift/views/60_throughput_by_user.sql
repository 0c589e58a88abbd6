-- pipeline:  publishing
-- purpose:   Tickets that were finished, and that failed, by user and by the day (UTC) on which they ended.
-- guarantee: true to one batch, which it names.
-- why:       from user_days, which is small.

DROP VIEW IF EXISTS $schema.throughput_by_user;

CREATE VIEW $schema.throughput_by_user AS
SELECT batch, "user", day, finished, failed
FROM $schema.user_days
WITH NO SCHEMA BINDING;

COMMENT ON VIEW $schema.throughput_by_user IS
'Tickets that were finished, and that failed, by user and by the day (UTC) on which they ended.';
