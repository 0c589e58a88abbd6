-- purpose:    Rows of a batch with another value than the accepted ones.
-- parameters: $rows, $sample, $column, values, batch, slices, slice
-- guarantee:  (how many, one of them) for at most five of them; no row when there is none.
-- why:        older rows were judged when they came. NULL is no value: not_null looks for that.
SELECT total, arrayJoin(samples)
FROM
(
    SELECT count() AS total, groupArraySorted(5)($sample || ': ' || toString(assumeNotNull($column))) AS samples
    FROM $rows
    WHERE _from = {batch:UInt32} AND _to > {batch:UInt32} AND $column IS NOT NULL
        AND NOT has({values:Array(String)}, toString(assumeNotNull($column)))
        AND xxHash64($sample) % {slices:UInt16} = {slice:UInt16}
)
