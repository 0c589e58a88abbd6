-- purpose:    How many results of checks were found longer ago than that?
-- parameters: pipeline, plan, seconds
-- guarantee:  what delete_old_checks deletes; none of that plan.
-- why:        a dry run says so.
SELECT COUNT(*)
FROM sluice.checks
WHERE pipeline = {pipeline:VARCHAR(127)} AND plan <> {plan:VARCHAR(64)}
    AND checked_at < DATEADD(second, -{seconds:INTEGER}, GETDATE())
