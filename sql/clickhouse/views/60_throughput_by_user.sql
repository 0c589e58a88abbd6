-- pipeline:  publishing
-- purpose:   Tickets that were finished, and that failed, by user and by the day (UTC) on which they ended.
-- guarantee: true to one batch, which it names.
-- why:       from user_days, which is small.

DROP VIEW IF EXISTS $schema.throughput_by_user;

CREATE VIEW $schema.throughput_by_user (
    batch UInt32 COMMENT 'The batch of which all rows are.',
    user LowCardinality(Nullable(String)) COMMENT 'Who asked for them.',
    day Nullable(Date32) COMMENT 'The day (UTC) on which they ended.',
    finished UInt64 COMMENT 'How many ended in Finished.',
    failed UInt64 COMMENT 'How many ended in Error.'
) AS
SELECT batch, user, day, countMerge(finished) AS finished, countMerge(failed) AS failed
FROM $schema.user_days
GROUP BY batch, user, day
COMMENT 'Tickets that were finished, and that failed, by user and by the day (UTC) on which they ended.';

-- A view with a list of columns is made without a look at its query: this looks.
SELECT * FROM $schema.throughput_by_user LIMIT 0;
