-- purpose:    The staging tables of a plan, of all its collections and attempts, and when each was made.
-- parameters: database, plan
-- guarantee:  a plan's id is unique, so no other plan's tables are named.
-- why:        after a publish, and after a plan that was given up, nothing is left. A plan of any age may be run again: what
--             it stages then is young.
SELECT name, toUnixTimestamp(metadata_modification_time)
FROM system.tables
WHERE database = {database:String} AND position(name, {plan:String}) > 0
ORDER BY name
