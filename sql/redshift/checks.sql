-- purpose:    The newest results of checks, newest first.
-- parameters: pipeline, failed, limit
-- guarantee:  those of batches that were not published are among them, with batch NULL. Of a plan that was checked twice
--             the last result.
-- why:        a batch that was stopped is looked for here.
SELECT c.plan, c.cut, c."table", c.name, c.severity, c.failing, c.samples, b.batch, c.checked_at
FROM
(
    SELECT *, ROW_NUMBER() OVER (PARTITION BY plan, name ORDER BY checked_at DESC) AS _place
    FROM sluice.checks
    WHERE pipeline = {pipeline:VARCHAR(127)}
) AS c
LEFT JOIN sluice.batches AS b ON b.pipeline = c.pipeline AND b.plan = c.plan
WHERE c._place = 1 AND (c.failing > 0 OR NOT {failed:BOOLEAN})
ORDER BY c.checked_at DESC, c.plan DESC, c.name
LIMIT {limit:INTEGER}
