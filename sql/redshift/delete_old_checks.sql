-- purpose:    Delete the results of checks that were found longer ago than that.
-- parameters: pipeline, plan, seconds
-- guarantee:  none of that plan, which is the newest batch's.
-- why:        by their own age, as those of a batch that was stopped have no commit record. Needs no lock: whoever
--             publishes writes new ones, and reads none.
DELETE FROM sluice.checks
WHERE pipeline = {pipeline:VARCHAR(127)} AND plan <> {plan:VARCHAR(64)}
    AND checked_at < DATEADD(second, -{seconds:INTEGER}, GETDATE())
