-- purpose:    Rows of older batches that name a document which leaves with this one.
-- parameters: $rows, $sample, $column, $parents, $parent_key, batch, slices, slice
-- guarantee:  (how many, one of them) for at most five of them; no row when there is none.
-- why:        the rows of the batch itself are looked at by check_relationship. A mark (from = to) says that a key is gone.
SELECT total, arrayJoin(samples)
FROM
(
    SELECT count() AS total, groupArraySorted(5)($sample || ': ' || toString(assumeNotNull($column)) || ' leaves') AS samples
    FROM $rows
    WHERE _from < {batch:UInt32} AND _to > {batch:UInt32} AND $column IS NOT NULL
        AND $column IN
        (
            SELECT $parent_key
            FROM $parents
            WHERE _from = {batch:UInt32} AND _to = {batch:UInt32}
                AND xxHash64($parent_key) % {slices:UInt16} = {slice:UInt16}
        )
)
