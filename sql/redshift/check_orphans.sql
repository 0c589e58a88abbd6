-- purpose:    Rows of older batches that name a document which leaves with this one.
-- parameters: $sample, $rows, $column, pipeline, collection, batch
-- guarantee:  (how many, one of them) for at most five of them; no row when there is none.
-- why:        the rows of the batch itself are looked at by check_relationship.
SELECT total, sample
FROM
(
    SELECT COUNT(*) OVER () AS total, sample, ROW_NUMBER() OVER (ORDER BY sample) AS place
    FROM
    (
        SELECT $sample || ': ' || LEFT(CAST($column AS VARCHAR(65535)), 1024) || ' leaves' AS sample
        FROM $rows
        WHERE _from < {batch:INTEGER}
            AND CAST($column AS VARCHAR(1024)) IN
            (
                SELECT "key"
                FROM sluice.gone
                WHERE pipeline = {pipeline:VARCHAR(127)} AND collection = {collection:VARCHAR(127)}
                    AND batch = {batch:INTEGER}
            )
    ) AS failing
) AS placed
WHERE place <= 5
ORDER BY place
