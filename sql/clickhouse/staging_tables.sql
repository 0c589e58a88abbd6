-- purpose:    The staging tables of a plan, of all its collections and attempts.
-- parameters: database, plan
-- guarantee:  a plan's id is unique, so no other plan's tables are named.
-- why:        after a publish, and after a plan that was given up, nothing is left.
SELECT name
FROM system.tables
WHERE database = {database:String} AND position(name, {plan:String}) > 0
ORDER BY name
