-- purpose:    Find the documents whose rows in a child table are not as many as their array has elements, or not theirs.
-- parameters: $suspects, $staging, $key, $size, $storage, $parent, $place, $children
-- guarantee:  every key with too many or too few, with two at one place, with rows of another batch than the document's, and
--             with rows but no document.
-- why:        a document and its children are written together, so that _from is one.
INSERT INTO $suspects ("key", found, hash, torn)
SELECT CAST(_sluice_key AS VARCHAR(1024)), SUM(_sluice_found), MAX(_sluice_hash), 1
FROM
(
    SELECT
        $key AS _sluice_key, COALESCE($size, 0) AS _sluice_size, 0 AS _sluice_found, 0 AS _sluice_rows,
        CAST(NULL AS BIGINT) AS _sluice_hash, CAST(NULL AS INTEGER) AS _sluice_batch,
        CAST(NULL AS VARCHAR(1024)) AS _sluice_place
    FROM $staging
    WHERE NOT _gone
    UNION ALL
    SELECT $key, 0, 1, 0, _hash, _from, CAST(NULL AS VARCHAR(1024))
    FROM $storage
    UNION ALL
    SELECT $parent, 0, 0, 1, CAST(NULL AS BIGINT), _from, $place
    FROM $children
) AS _sluice_all
GROUP BY _sluice_key
HAVING SUM(_sluice_size) <> SUM(_sluice_rows)
    OR COUNT(DISTINCT _sluice_place) <> SUM(_sluice_rows)
    OR MIN(_sluice_batch) <> MAX(_sluice_batch)
    OR (SUM(_sluice_found) = 0 AND SUM(_sluice_rows) > 0)
