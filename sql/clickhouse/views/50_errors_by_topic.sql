-- pipeline:  publishing
-- purpose:   How many of the tickets that have ended ended in Error, by their document's topic.
-- guarantee: true to one batch, which it names; tickets whose document is not there are under the topic NULL.
-- why:       from ticket_days, which is small.

DROP VIEW IF EXISTS $schema.errors_by_topic;

CREATE VIEW $schema.errors_by_topic (
    batch UInt32 COMMENT 'The batch of which all rows are.',
    topic LowCardinality(Nullable(String)) COMMENT 'The topic of their document; NULL where that is not there.',
    ended UInt64 COMMENT 'Tickets that are Finished or in Error.',
    errors UInt64 COMMENT 'Those in Error.',
    error_rate Float64 COMMENT 'errors / ended.'
) AS
SELECT
    batch,
    topic,
    countMerge(tickets) AS ended,
    countMergeIf(tickets, status = 'Error') AS errors,
    errors / ended AS error_rate
FROM $schema.ticket_days
WHERE status IN ('Finished', 'Error')
GROUP BY batch, topic
COMMENT 'The share of ended tickets that ended in Error, by their document''s topic.';

-- A view with a list of columns is made without a look at its query: this looks.
SELECT * FROM $schema.errors_by_topic LIMIT 0;
