-- purpose:    Decide what becomes of the staged keys that the master knows.
-- parameters: $compared, $staging, $storage, $key, pipeline, cluster, plan, rewrite, base, slices, slice
-- guarantee:  superseded: a version of the key, or a mark that it was gone, was written by a batch of a later cut (I4),
--             and for a replay by any batch after base. What a replay itself wrote is of no cut: the versions before say.
--             unchanged: the open version is the same document. Neither is published. replaced: the open version has to
--             be closed. A key that is not listed has no open version. With rewrite every key is listed and nothing is
--             unchanged: also children without a document are closed, and what is right is written again.
-- why:        one look at the master for all that has to be known of it: a look reads the keys of the whole table. By
--             slices of the keys, so that the join's memory does not grow with the batch.
INSERT INTO $compared (slice, key, fate)
WITH later AS
(
    SELECT batch
    FROM sluice.batches
    WHERE pipeline = {pipeline:String}
        AND if({base:UInt32} > 0, batch > {base:UInt32},
            kind != 'replay' AND (cluster, plan) > ({cluster:UInt64}, {plan:String}))
)
SELECT
    {slice:UInt16},
    staged._key,
    multiIf(
        master._superseded, 'superseded',
        NOT {rewrite:Bool} AND NOT staged._gone AND master._last = staged._hash, 'unchanged',
        'replaced'
    )
FROM
(
    SELECT $key AS _key, _hash, _gone
    FROM $staging
    WHERE xxHash64($key) % {slices:UInt16} = {slice:UInt16}
) AS staged
LEFT JOIN
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
WHERE {rewrite:Bool} OR master._superseded OR master._open
