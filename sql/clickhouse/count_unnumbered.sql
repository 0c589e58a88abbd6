-- purpose:    How many rows of a batch have an id whose number they do not carry, or that the key table does not know?
-- parameters: $storage, $id, $numbered, $number, $keys, batch, slices, slice
-- guarantee:  0 when all of them can be joined by number as they can by id.
-- why:        the number is computed by the table; one whose definition was changed would store something else.
SELECT count()
FROM $storage
WHERE _from = {batch:UInt32} AND $id IS NOT NULL AND assumeNotNull($number) % {slices:UInt16} = {slice:UInt16}
    AND
    (
        ifNull($numbered, -1) != $number
        OR $number NOT IN
        (
            SELECT number
            FROM $keys
            WHERE number IN (SELECT assumeNotNull($number) FROM $storage WHERE _from = {batch:UInt32} AND $id IS NOT NULL)
        )
    )
