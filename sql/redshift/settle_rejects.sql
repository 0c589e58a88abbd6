-- purpose:    Settle the open rejects of a collection whose documents the batch read again, and did not reject.
-- parameters: $quarantine, $staging, $key, $rejected, $rejects, $asked, whole, pipeline, collection, batch, cluster, plan
-- guarantee:  part of the publishing transaction. published: the document is staged; gone: it is not there. Never a reject
--             of a batch of a later cut: this one says nothing of it (I4).
-- why:        with the batch that does it, so that there is no state in between (I8). Without a key only a batch that reads
--             the whole collection can tell.
INSERT INTO sluice.settled_rejects (pipeline, collection, "key", hash, rejected, outcome, batch, who, why)
SELECT
    {pipeline:VARCHAR(127)}, known.collection, known."key", known.hash, known.batch,
    CASE WHEN staged.$key IS NOT NULL AND NOT staged._gone THEN 'published' ELSE 'gone' END, {batch:INTEGER}, '', ''
FROM
(
    SELECT
        collection, "key", hash, batch,
        NULLIF($rejected, '') AS _key, CASE WHEN "key" = '' THEN hash ELSE 0 END AS _hash
    FROM $quarantine AS quarantine
    WHERE state = 'open' AND collection = {collection:VARCHAR(256)}
) AS known
LEFT JOIN $staging AS staged ON CAST(staged.$key AS VARCHAR(1024)) = known._key
LEFT JOIN
(
    SELECT DISTINCT "key", CASE WHEN "key" = '' THEN hash ELSE 0 END AS _hash
    FROM $rejects
    WHERE collection = {collection:VARCHAR(256)}
) AS again ON again."key" = known."key" AND again._hash = known._hash
WHERE again."key" IS NULL
    AND
    (
        {whole:BOOLEAN}
        OR staged.$key IS NOT NULL
        OR known._key IS NOT NULL
            AND known."key" IN (SELECT "key" FROM $asked WHERE collection = {collection:VARCHAR(256)})
    )
    AND known.batch NOT IN
    (
        SELECT batch
        FROM sluice.batches
        WHERE pipeline = {pipeline:VARCHAR(127)}
            AND (cluster > {cluster:BIGINT} OR (cluster = {cluster:BIGINT} AND plan > {plan:VARCHAR(64)}))
    )
