-- purpose:    Values of a batch that are in more than one row, its own or an older one.
-- parameters: $value, $sample, $rows, $columns, $present, batch
-- guarantee:  (how many, one of them) for at most five of them; no row when there is none. A value with a NULL is none.
-- why:        only values that the batch brings can have become double.
SELECT total, sample
FROM
(
    SELECT COUNT(*) OVER () AS total, sample, ROW_NUMBER() OVER (ORDER BY sample) AS place
    FROM
    (
        SELECT $value || ': ' || CAST(COUNT(*) AS VARCHAR) || ' rows, as ' || MIN($sample) || ', ' || MAX($sample) AS sample
        FROM $rows
        WHERE ($columns) IN (SELECT $columns FROM $rows WHERE _from = {batch:INTEGER} AND $present)
        GROUP BY $columns
        HAVING COUNT(*) > 1
    ) AS failing
) AS placed
WHERE place <= 5
ORDER BY place
