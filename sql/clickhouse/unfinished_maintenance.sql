-- purpose:    The mutations of a table that a vacuum sent, and that are not done, with the reason if they fail.
-- parameters: database, table
-- guarantee:  never one of a publish, which sends none for one partition alone.
-- why:        a vacuum waits for its own, and gives them up when its time is used up.
SELECT mutation_id, latest_fail_reason
FROM system.mutations
WHERE database = {database:String} AND table = {table:String} AND NOT is_done AND position(command, ' IN PARTITION ID ') > 0
