-- purpose:    Find the documents whose rows in a child table are not as many as their array has elements, or not theirs.
-- parameters: $suspects, $staging, $key, $size, $at, $parent, $place, $child_at, batch, slices, slice
-- guarantee:  every key of the slice with too many or too few, with two at one place, with rows of another batch than the
--             document's, and with rows but no document.
-- why:        a document and its children are written together, so that _from is one.
INSERT INTO $suspects (key, found, hash, torn)
SELECT toString(_sluice_key), sum(_sluice_found), max(_sluice_hash), true
FROM
(
    SELECT
        $key AS _sluice_key, ifNull($size, 0) AS _sluice_size, 0 AS _sluice_found, 0 AS _sluice_rows,
        toUInt64(0) AS _sluice_hash, CAST(NULL AS Nullable(UInt32)) AS _sluice_batch, toUInt64(0) AS _sluice_place
    FROM $staging
    WHERE NOT _gone AND xxHash64($key) % {slices:UInt16} = {slice:UInt16}
    UNION ALL
    SELECT $key, 0, 1, 0, _hash, _from, 0
    FROM $at(batch = {batch:UInt32})
    WHERE xxHash64($key) % {slices:UInt16} = {slice:UInt16}
    UNION ALL
    SELECT $parent, 0, 0, 1, 0, _from, $place
    FROM $child_at(batch = {batch:UInt32})
    WHERE xxHash64($parent) % {slices:UInt16} = {slice:UInt16}
)
GROUP BY _sluice_key
HAVING sum(_sluice_size) != sum(_sluice_rows)
    OR uniqExactIf(_sluice_place, _sluice_rows = 1) != sum(_sluice_rows)
    OR min(_sluice_batch) != max(_sluice_batch)
    OR (sum(_sluice_found) = 0 AND sum(_sluice_rows) > 0)
