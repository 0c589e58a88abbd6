-- purpose:    Rows of a batch with another value than the accepted ones.
-- parameters: $sample, $rows, $column, values, batch
-- guarantee:  (how many, one of them) for at most five of them; no row when there is none.
-- why:        older rows were judged when they came. NULL is no value: not_null looks for that. There are no arrays here: the values are
--             in one text, with a sign around each that none of them holds.
SELECT total, sample
FROM
(
    SELECT COUNT(*) OVER () AS total, sample, ROW_NUMBER() OVER (ORDER BY sample) AS place
    FROM
    (
        SELECT $sample || ': ' || LEFT(CAST($column AS VARCHAR(65535)), 1024) AS sample
        FROM $rows
        WHERE _from = {batch:INTEGER} AND $column IS NOT NULL
            AND POSITION(CHR(31) || LEFT(CAST($column AS VARCHAR(65535)), 65000) || CHR(31) IN {values:VARCHAR(65535)}) = 0
    ) AS failing
) AS placed
WHERE place <= 5
ORDER BY place
