-- purpose:    Decide which staged keys are not published: superseded, or unchanged.
-- parameters: $skipped, $staging, $storage, $key, pipeline, cluster, plan, slices, slice
-- guarantee:  superseded: a version of the key, or a mark that it was gone, was written by a batch of a later cut (I4).
--             unchanged: the open version is the same document.
-- why:        by slices of the keys, so that the join's memory does not grow with the batch.
INSERT INTO $skipped (slice, key, superseded)
WITH later AS
(
    SELECT batch
    FROM sluice.batches
    WHERE pipeline = {pipeline:String} AND (cluster, plan) > ({cluster:UInt64}, {plan:String})
)
SELECT {slice:UInt16}, staged._key, master._superseded
FROM
(
    SELECT $key AS _key, _hash, _gone
    FROM $staging
    WHERE xxHash64($key) % {slices:UInt16} = {slice:UInt16}
) AS staged
INNER JOIN
(
    SELECT
        $key AS _key,
        max(_from IN (SELECT batch FROM later)) AS _superseded,
        max(_to = 4294967295) AS _open,
        maxIf(_hash, _to = 4294967295) AS _last
    FROM $storage
    WHERE $key IN (SELECT $key FROM $staging WHERE xxHash64($key) % {slices:UInt16} = {slice:UInt16})
    GROUP BY $key
) AS master USING (_key)
WHERE master._superseded OR (master._open AND NOT staged._gone AND master._last = staged._hash)
