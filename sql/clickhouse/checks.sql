-- purpose:    The newest results of checks, newest first.
-- parameters: pipeline, failed, limit
-- guarantee:  those of batches that were not published are among them, with batch 0.
-- why:        a batch that was stopped is looked for here.
SELECT c.plan, c.cut, c."table", c.name, c.severity, c.failing, c.samples, b.batch, c.checked_at
FROM (SELECT * FROM sluice.checks FINAL WHERE pipeline = {pipeline:String} AND (failing > 0 OR NOT {failed:Bool})) AS c
LEFT JOIN (SELECT plan, batch FROM sluice.batches WHERE pipeline = {pipeline:String}) AS b ON b.plan = c.plan
ORDER BY c.checked_at DESC, c.plan DESC, c.name
LIMIT {limit:UInt32}
