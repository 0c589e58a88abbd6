-- purpose:    Values of a batch that are in more than one row, its own or an older one.
-- parameters: $rows, $sample, $columns, $value, $present, batch, slices, slice
-- guarantee:  (how many, one of them) for at most five of them; no row when there is none. A value with a NULL is none.
-- why:        only values that the batch brings can have become double. In slices, as the set is held in memory (I6).
SELECT total, arrayJoin(samples)
FROM
(
    SELECT count() AS total, groupArraySorted(5)(sample) AS samples
    FROM (
        SELECT $value || ': ' || toString(count()) || ' rows, as ' || min($sample) || ', ' || max($sample) AS sample
        FROM $rows
        WHERE _from <= {batch:UInt32} AND _to > {batch:UInt32}
            AND ($columns) IN
            (
                SELECT $columns
                FROM $rows
                WHERE _from = {batch:UInt32} AND _to > {batch:UInt32} AND $present
                    AND xxHash64($columns) % {slices:UInt16} = {slice:UInt16}
            )
        GROUP BY $columns
        HAVING count() > 1
    )
)
