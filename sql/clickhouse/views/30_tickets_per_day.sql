-- pipeline:  publishing
-- purpose:   Tickets by the day (UTC) on which they were asked for, and their status now.
-- guarantee: true to one batch, which it names; a ticket without a date is under the day NULL.
-- why:       from ticket_days, which is small.

DROP VIEW IF EXISTS $schema.tickets_per_day;

CREATE VIEW $schema.tickets_per_day (
    batch UInt32 COMMENT 'The batch of which all rows are.',
    day Nullable(Date32) COMMENT 'The day (UTC) on which they were asked for; NULL where nobody knows.',
    status LowCardinality(Nullable(String)) COMMENT 'Their status as of the batch.',
    tickets UInt64 COMMENT 'How many.'
) AS
SELECT batch, day, status, countMerge(tickets) AS tickets
FROM $schema.ticket_days
GROUP BY batch, day, status
COMMENT 'Tickets by the day (UTC) on which they were asked for, and their status as of the batch.';

-- A view with a list of columns is made without a look at its query: this looks.
SELECT * FROM $schema.tickets_per_day LIMIT 0;
