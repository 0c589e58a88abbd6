-- purpose:    Find the keys that the source and the own table do not both have once, and in the same version.
-- parameters: $suspects, $staging, $key, $version, $storage
-- guarantee:  every such key, as of the transaction's snapshot; found: how often it is stored, hash: of which document.
-- why:        counted and not joined: the same text on every engine, and nothing depends on how joins fill in what is missing.
INSERT INTO $suspects ("key", found, hash, torn)
SELECT CAST(_sluice_key AS VARCHAR(1024)), SUM(_sluice_found), MAX(_sluice_hash), 0
FROM
(
    SELECT
        $key AS _sluice_key, 1 AS _sluice_asked, 0 AS _sluice_found, $version AS _sluice_version,
        CAST(NULL AS BIGINT) AS _sluice_hash
    FROM $staging
    WHERE NOT _gone
    UNION ALL
    SELECT $key, 0, 1, $version, _hash
    FROM $storage
) AS _sluice_both
GROUP BY _sluice_key
HAVING SUM(_sluice_asked) <> 1 OR SUM(_sluice_found) <> 1
    OR COUNT(_sluice_version) = 1 OR MIN(_sluice_version) <> MAX(_sluice_version)
