-- purpose:    Find the keys that the source and the own table do not both have once, and in the same version.
-- parameters: $suspects, $staging, $key, $version, $at, batch, slices, slice
-- guarantee:  every such key of the slice; found: how often it is visible at the batch, hash: of which document.
-- why:        counted and not joined: the same text on every engine, and nothing depends on how joins fill in what is missing.
--             By slices of the keys, so that memory does not grow with the collection.
INSERT INTO $suspects (key, found, hash, torn)
SELECT toString(_sluice_key), sum(_sluice_found), max(_sluice_hash), false
FROM
(
    SELECT
        $key AS _sluice_key, 1 AS _sluice_asked, 0 AS _sluice_found, $version AS _sluice_version,
        toUInt64(0) AS _sluice_hash
    FROM $staging
    WHERE NOT _gone AND xxHash64($key) % {slices:UInt16} = {slice:UInt16}
    UNION ALL
    SELECT $key, 0, 1, $version, _hash
    FROM $at(batch = {batch:UInt32})
    WHERE xxHash64($key) % {slices:UInt16} = {slice:UInt16}
)
GROUP BY _sluice_key
HAVING sum(_sluice_asked) != 1 OR sum(_sluice_found) != 1
    OR count(_sluice_version) = 1 OR min(_sluice_version) != max(_sluice_version)
