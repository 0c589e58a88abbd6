-- purpose:    The mutations of some tables that are not done, with the reason if they fail.
-- parameters: database, tables
-- guarantee:  a mutation survives its sender and the server: it must have ended before anything is rolled back.
-- why:        one that ends later would close versions again after they were reopened.
SELECT table, mutation_id, latest_fail_reason
FROM system.mutations
WHERE database = {database:String} AND table IN {tables:Array(String)} AND NOT is_done
