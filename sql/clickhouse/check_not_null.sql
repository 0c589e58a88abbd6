-- purpose:    Rows of a batch without a value.
-- parameters: $rows, $sample, $column, batch, slices, slice
-- guarantee:  (how many, one of them) for at most five of them; no row when there is none.
-- why:        older rows were judged when they came.
SELECT total, arrayJoin(samples)
FROM
(
    SELECT count() AS total, groupArraySorted(5)($sample) AS samples
    FROM $rows
    WHERE _from = {batch:UInt32} AND _to > {batch:UInt32} AND $column IS NULL
        AND xxHash64($sample) % {slices:UInt16} = {slice:UInt16}
)
