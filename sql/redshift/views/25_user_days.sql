-- pipeline:  publishing
-- purpose:   What became of each user's tickets, by the day on which they ended.
-- guarantee: as ticket_days.
-- why:       as ticket_days.

DROP MATERIALIZED VIEW IF EXISTS $schema.user_days;

CREATE MATERIALIZED VIEW $schema.user_days
DISTSTYLE ALL SORTKEY (day)
AUTO REFRESH NO
AS SELECT
    newest.batch,
    ticket."user",
    CAST(ticket.updated_at AT TIME ZONE 'UTC' AS DATE) AS day,
    SUM(CASE WHEN ticket.status = 'Finished' THEN 1 ELSE 0 END) AS finished,
    SUM(CASE WHEN ticket.status = 'Error' THEN 1 ELSE 0 END) AS failed
FROM $tickets AS ticket
CROSS JOIN (SELECT MAX(batch) AS batch FROM sluice.batches WHERE pipeline = $pipeline) AS newest
WHERE ticket.status IN ('Finished', 'Error')
GROUP BY 1, 2, 3;
