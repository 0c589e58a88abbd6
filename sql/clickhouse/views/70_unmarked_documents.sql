-- pipeline:  publishing
-- purpose:   Documents without a finished watermark, and how often one was asked for.
-- guarantee: true to the newest batch when it is read: not aggregated.
-- why:       a list of documents is not smaller than the documents.

DROP VIEW IF EXISTS $schema.unmarked_documents;

CREATE VIEW $schema.unmarked_documents (
    _id String COMMENT 'The key of the document.',
    title Nullable(String) COMMENT 'What it is called.',
    author Nullable(String) COMMENT 'Who wrote it.',
    topic LowCardinality(Nullable(String)) COMMENT 'What it is about.',
    created_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When it was published.',
    watermark_status LowCardinality(Nullable(String)) COMMENT 'Started, InProgress or Error; NULL where no watermark was asked for.',
    tickets UInt64 COMMENT 'How often one was asked for.'
) AS
SELECT
    document._id AS _id,
    document.title AS title,
    document.author AS author,
    document.topic AS topic,
    document.created_at AS created_at,
    document.watermark_status AS watermark_status,
    ticket.tickets AS tickets
FROM $schema.documents AS document
LEFT JOIN (SELECT document_id_key, count() AS tickets FROM $schema.tickets GROUP BY document_id_key) AS ticket
    ON ticket.document_id_key = document._key
WHERE ifNull(document.watermark_status, '') != 'Finished'
COMMENT 'Documents without a finished watermark, and how often one was asked for.';

-- A view with a list of columns is made without a look at its query: this looks.
SELECT * FROM $schema.unmarked_documents LIMIT 0;
