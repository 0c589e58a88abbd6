-- purpose:    Add the ids that a batch brings to the key table, where they are new.
-- parameters: $ids, $id, $number, $keys, slices, slice, pipeline, owner
-- guarantee:  each id once, however often this runs; no effect unless the sender holds the fence.
-- why:        rows of a batch that is never published do no harm: the number of an id is the same whoever asks. No two
--             ids have one number here any more, so that they may be told apart by it, which is faster.
INSERT INTO $keys (id, number)
WITH brought AS
(
    SELECT assumeNotNull($id) AS _sluice_id, assumeNotNull($number) AS _sluice_number
    FROM $ids
    WHERE $id IS NOT NULL AND assumeNotNull($number) % {slices:UInt16} = {slice:UInt16}
)
SELECT any(_sluice_id), _sluice_number
FROM brought
WHERE _sluice_number NOT IN (SELECT number FROM $keys WHERE number IN (SELECT _sluice_number FROM brought))
    AND (SELECT owner FROM sluice.holders WHERE pipeline = {pipeline:String}) = {owner:String}
GROUP BY _sluice_number
