-- purpose:    How many results of checks were found longer ago than that?
-- parameters: pipeline, plan, seconds
-- guarantee:  what delete_old_checks deletes; none of that plan.
-- why:        deleting nothing would still cost a mutation.
SELECT count()
FROM sluice.checks
WHERE pipeline = {pipeline:String} AND plan != {plan:String}
    AND checked_at < now64(3) - toIntervalSecond({seconds:UInt32})
