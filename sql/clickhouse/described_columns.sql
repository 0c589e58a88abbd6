-- purpose:    The columns of storage tables.
-- parameters: database, tables
-- guarantee:  in the order of the table.
-- why:        compared with the pipeline file before every batch.
SELECT table, name, type, default_expression
FROM system.columns
WHERE database = {database:String} AND table IN {tables:Array(String)}
ORDER BY table, position
