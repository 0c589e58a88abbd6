-- purpose:    Delete the results of checks that were found longer ago than that.
-- parameters: pipeline, plan, seconds
-- guarantee:  none of that plan, which is the newest batch's.
-- why:        by their own age, as those of a batch that was stopped have no commit record. Needs no fence: whoever
--             publishes writes new ones, and reads none.
ALTER TABLE sluice.checks
DELETE WHERE pipeline = {pipeline:String} AND plan != {plan:String}
    AND checked_at < now64(3) - toIntervalSecond({seconds:UInt32})
