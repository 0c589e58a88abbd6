-- pipeline:  publishing
-- purpose:   Tickets by the day on which they were asked for, their document's topic and their status.
-- guarantee: true to one published batch, the one in its column `batch`. Readers see all of a refresh or none of it.
-- why:       of four million tickets in a year 35,000 rows. Made whole after each publish: a view that grows with the rows
--            that are inserted would count those of a batch before it is published, and never take one away.
--            The batch is one value for both tables here, as in the published views.

DROP VIEW IF EXISTS $schema.ticket_days SYNC;

CREATE MATERIALIZED VIEW $schema.ticket_days
REFRESH EVERY 1 DAY (
    batch UInt32 COMMENT 'The batch of which all rows are.',
    day Nullable(Date32) COMMENT 'The day (UTC) on which they were asked for; NULL where nobody knows.',
    topic LowCardinality(Nullable(String)) COMMENT 'The topic of their document; NULL where that is not there.',
    status LowCardinality(Nullable(String)) COMMENT 'Their status as of the batch.',
    tickets AggregateFunction(count) COMMENT 'How many, as a state: countMerge(tickets).'
)
ENGINE = AggregatingMergeTree
ORDER BY (batch, day, topic, status)
SETTINGS allow_nullable_key = 1
EMPTY
AS WITH (SELECT max(batch) FROM sluice.batches WHERE pipeline = $pipeline) AS newest
SELECT
    assumeNotNull(newest) AS batch,
    toDate32(ticket.created_at) AS day,
    document.topic AS topic,
    ticket.status AS status,
    countState() AS tickets
FROM (SELECT document_id_key, status, created_at FROM $tickets WHERE _from <= newest AND _to > newest) AS ticket
LEFT JOIN (SELECT _key, topic FROM $documents WHERE _from <= newest AND _to > newest) AS document
    ON document._key = ticket.document_id_key
GROUP BY day, topic, status
COMMENT 'Tickets by day, topic and status, as states: read them with -Merge. Made after each publish; batch says of which.';

SYSTEM REFRESH VIEW $schema.ticket_days;

SYSTEM WAIT VIEW $schema.ticket_days;
