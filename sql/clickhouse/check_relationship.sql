-- purpose:    Rows of a batch that name a document which is not there.
-- parameters: $rows, $sample, $column, $parents, $parent_key, batch, slices, slice
-- guarantee:  (how many, one of them) for at most five of them; no row when there is none.
-- why:        looked for among the documents that readers would see. In slices, as sets are held in memory (I6).
SELECT total, arrayJoin(samples)
FROM
(
    SELECT count() AS total, groupArraySorted(5)($sample || ': ' || toString(assumeNotNull($column))) AS samples
    FROM $rows
    WHERE _from = {batch:UInt32} AND _to > {batch:UInt32} AND $column IS NOT NULL AND xxHash64($column) % {slices:UInt16} = {slice:UInt16}
        AND $column NOT IN
        (
            SELECT $parent_key
            FROM $parents
            WHERE _from <= {batch:UInt32} AND _to > {batch:UInt32}
                AND $parent_key IN
                (
                    SELECT assumeNotNull($column)
                    FROM $rows
                    WHERE _from = {batch:UInt32} AND _to > {batch:UInt32} AND $column IS NOT NULL
                        AND xxHash64($column) % {slices:UInt16} = {slice:UInt16}
                )
        )
)
