-- purpose:    Rows of a batch that name a document which is not there.
-- parameters: $sample, $rows, $column, $parents, $parent_key, batch
-- guarantee:  (how many, one of them) for at most five of them; no row when there is none.
-- why:        looked for among the documents that readers would see.
SELECT total, sample
FROM
(
    SELECT COUNT(*) OVER () AS total, sample, ROW_NUMBER() OVER (ORDER BY sample) AS place
    FROM
    (
        SELECT brought.sample || ': ' || LEFT(CAST(brought.named AS VARCHAR(65535)), 1024) AS sample
        FROM
        (
            SELECT $sample AS sample, $column AS named
            FROM $rows
            WHERE _from = {batch:INTEGER} AND $column IS NOT NULL
        ) AS brought
        LEFT JOIN $parents AS parent ON parent.$parent_key = brought.named
        WHERE parent.$parent_key IS NULL
    ) AS failing
) AS placed
WHERE place <= 5
ORDER BY place
