-- purpose:    Rows of a batch without a value.
-- parameters: $sample, $rows, $column, batch
-- guarantee:  (how many, one of them) for at most five of them; no row when there is none.
-- why:        older rows were judged when they came.
SELECT total, sample
FROM
(
    SELECT COUNT(*) OVER () AS total, sample, ROW_NUMBER() OVER (ORDER BY sample) AS place
    FROM
    (
        SELECT $sample AS sample
        FROM $rows
        WHERE _from = {batch:INTEGER} AND $column IS NULL
    ) AS failing
) AS placed
WHERE place <= 5
ORDER BY place
