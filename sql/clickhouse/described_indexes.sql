-- purpose:    The skip indexes of storage tables.
-- parameters: database, tables
-- guarantee:  (table, column, type) of each index.
-- why:        compared with the pipeline file before every batch.
SELECT table, replaceAll(expr, '`', ''), type_full
FROM system.data_skipping_indices
WHERE database = {database:String} AND table IN {tables:Array(String)}
ORDER BY table, name
