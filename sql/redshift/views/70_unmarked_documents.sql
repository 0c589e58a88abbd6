-- pipeline:  publishing
-- purpose:   Documents without a finished watermark, and how often one was asked for.
-- guarantee: true to the newest batch when it is read: not aggregated.
-- why:       a list of documents is not smaller than the documents.

DROP VIEW IF EXISTS $schema.unmarked_documents;

CREATE VIEW $schema.unmarked_documents AS
SELECT
    document._id,
    document.title,
    document.author,
    document.topic,
    document.created_at,
    document.watermark_status,
    COALESCE(ticket.tickets, 0) AS tickets
FROM $documents AS document
LEFT JOIN (SELECT document_id_key, COUNT(*) AS tickets FROM $tickets GROUP BY document_id_key) AS ticket
    ON ticket.document_id_key = document._key
WHERE COALESCE(document.watermark_status, '') <> 'Finished'
WITH NO SCHEMA BINDING;

COMMENT ON VIEW $schema.unmarked_documents IS
'Documents without a finished watermark, and how often one was asked for.';
