-- pipeline:  publishing
-- purpose:   How many of the tickets that have ended ended in Error, by their document's topic.
-- guarantee: true to one batch, which it names; tickets whose document is not there are under the topic NULL.
-- why:       from ticket_days, which is small.

DROP VIEW IF EXISTS $schema.errors_by_topic;

CREATE VIEW $schema.errors_by_topic AS
SELECT
    batch,
    topic,
    SUM(tickets) AS ended,
    SUM(CASE WHEN status = 'Error' THEN tickets ELSE 0 END) AS errors,
    CAST(SUM(CASE WHEN status = 'Error' THEN tickets ELSE 0 END) AS DOUBLE PRECISION) / SUM(tickets) AS error_rate
FROM $schema.ticket_days
WHERE status IN ('Finished', 'Error')
GROUP BY batch, topic
WITH NO SCHEMA BINDING;

COMMENT ON VIEW $schema.errors_by_topic IS
'The share of ended tickets that ended in Error, by their document''s topic.';
