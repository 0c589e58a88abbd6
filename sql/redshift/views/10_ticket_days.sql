-- pipeline:  publishing
-- purpose:   Tickets by the day on which they were asked for, their document's topic and their status.
-- guarantee: true to one published batch, the one in its column `batch`: one statement has one snapshot, and a batch and
--            its commit record are one transaction.
-- why:       far fewer rows than tickets, refreshed after each publish. Over the tables: a materialized view
--            takes no view that is bound late.

DROP MATERIALIZED VIEW IF EXISTS $schema.ticket_days;

CREATE MATERIALIZED VIEW $schema.ticket_days
DISTSTYLE ALL SORTKEY (day)
AUTO REFRESH NO
AS SELECT
    newest.batch,
    CAST(ticket.created_at AT TIME ZONE 'UTC' AS DATE) AS day,
    document.topic,
    ticket.status,
    COUNT(*) AS tickets
FROM $tickets AS ticket
LEFT JOIN $documents AS document ON document._key = ticket.document_id_key
CROSS JOIN (SELECT MAX(batch) AS batch FROM sluice.batches WHERE pipeline = $pipeline) AS newest
GROUP BY 1, 2, 3, 4;
