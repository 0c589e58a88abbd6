-- pipeline:  publishing
-- purpose:   What became of each user's tickets, by the day on which they ended.
-- guarantee: true to one published batch, the one in its column `batch`. Readers see all of a refresh or none of it.
-- why:       as ticket_days.

DROP VIEW IF EXISTS $schema.user_days SYNC;

CREATE MATERIALIZED VIEW $schema.user_days
REFRESH EVERY 1 DAY (
    batch UInt32 COMMENT 'The batch of which all rows are.',
    user LowCardinality(Nullable(String)) COMMENT 'Who asked for them.',
    day Nullable(Date32) COMMENT 'The day (UTC) on which they ended.',
    finished AggregateFunction(count) COMMENT 'How many ended in Finished, as a state: countMerge(finished).',
    failed AggregateFunction(count) COMMENT 'How many ended in Error, as a state: countMerge(failed).'
)
ENGINE = AggregatingMergeTree
ORDER BY (batch, user, day)
SETTINGS allow_nullable_key = 1
EMPTY
AS WITH (SELECT max(batch) FROM sluice.batches WHERE pipeline = $pipeline) AS newest
SELECT
    assumeNotNull(newest) AS batch,
    user,
    toDate32(updated_at) AS day,
    countStateIf(status = 'Finished') AS finished,
    countStateIf(status = 'Error') AS failed
FROM $tickets
WHERE _from <= newest AND _to > newest AND status IN ('Finished', 'Error')
GROUP BY user, day
COMMENT 'Ended tickets by user and day, as states: read them with -Merge. Made after each publish; batch says of which.';

SYSTEM REFRESH VIEW $schema.user_days;

SYSTEM WAIT VIEW $schema.user_days;
