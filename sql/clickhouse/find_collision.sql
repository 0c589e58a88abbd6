-- purpose:    Find two different ids that have one number, among those that a batch brings and all that were ever seen.
-- parameters: $ids, $id, $number, $keys, slices, slice
-- guarantee:  no row when each number of these ids is the number of one id.
-- why:        asked before the ids are added to the key table, so that a refused one does not stay in it. A slice holds
--             whole numbers, and bounds what is held in memory.
WITH brought AS
(
    SELECT assumeNotNull($id) AS _sluice_id, assumeNotNull($number) AS _sluice_number
    FROM $ids
    WHERE $id IS NOT NULL AND assumeNotNull($number) % {slices:UInt16} = {slice:UInt16}
)
SELECT toString(min(_sluice_id)), toString(max(_sluice_id)), _sluice_number
FROM
(
    SELECT _sluice_id, _sluice_number FROM brought
    UNION ALL
    SELECT id, number FROM $keys WHERE number IN (SELECT _sluice_number FROM brought)
)
GROUP BY _sluice_number
HAVING min(_sluice_id) != max(_sluice_id)
LIMIT 1
