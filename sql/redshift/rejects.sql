-- purpose:    The newest reject of each document, newest batch first.
-- parameters: pipeline, collection, key, limit
-- guarantee:  an empty collection or key means any.
-- why:        a document without a usable modified date is read, and rejected, in every batch: once is enough to see.
SELECT collection, "key", "column", reason, detail, raw_uri, "position", batch, cut
FROM
(
    SELECT
        *,
        ROW_NUMBER() OVER (PARTITION BY collection, "key" ORDER BY batch DESC, "position") AS _place
    FROM sluice.rejects
    WHERE pipeline = {pipeline:VARCHAR(127)}
        AND ({collection:VARCHAR(256)} = '' OR collection = {collection:VARCHAR(256)})
        AND ({key:VARCHAR(1024)} = '' OR "key" = {key:VARCHAR(1024)})
) AS placed
WHERE _place = 1
ORDER BY batch DESC, collection, "key", "position"
LIMIT {limit:INTEGER}
