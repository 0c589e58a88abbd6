-- purpose:    Settle the open rejects of a collection whose documents the batch read again, and did not reject.
-- parameters: $quarantine, $staging, $key, $rejected, $rejects, $asked, whole, pipeline, collection, batch, cluster, plan, owner
-- guarantee:  no effect unless the sender holds the fence; seen with the commit record. published: the document is staged;
--             gone: it is not there. Never a reject of a batch of a later cut: this one says nothing of it (I4).
-- why:        with the batch that does it, so that there is no state in between (I8). Without a key only a batch that reads
--             the whole collection can tell.
INSERT INTO sluice.settled_rejects (pipeline, collection, key, hash, rejected, outcome, batch)
SELECT
    {pipeline:String}, known.collection, known.key, known.hash, known.batch,
    if(staged._there, 'published', 'gone'), {batch:UInt32}
FROM
(
    SELECT collection, key, hash, batch, $rejected AS _key
    FROM $quarantine
    WHERE state = 'open' AND collection = {collection:String}
        AND batch NOT IN
        (
            SELECT batch
            FROM sluice.batches
            WHERE pipeline = {pipeline:String} AND (cluster, plan) > ({cluster:UInt64}, {plan:String})
        )
        AND (key, if(key = '', hash, 0)) NOT IN
        (
            SELECT key, if(key = '', hash, 0) FROM $rejects WHERE collection = {collection:String}
        )
) AS known
LEFT JOIN
(
    SELECT toString($key) AS _key, true AS _read, NOT _gone AS _there
    FROM $staging
    WHERE toString($key) IN (SELECT $rejected FROM $quarantine WHERE state = 'open' AND key != '')
) AS staged USING (_key)
WHERE
    (
        {whole:Bool}
        OR staged._read
        OR known.key != '' AND known.key IN (SELECT key FROM $asked WHERE collection = {collection:String})
    )
    AND (SELECT owner FROM sluice.holders WHERE pipeline = {pipeline:String}) = {owner:String}
