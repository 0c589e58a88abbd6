-- purpose:    How the pipeline's tables and views are now.
-- parameters: databases, tables
-- guarantee:  one row for each that exists.
-- why:        compared with the pipeline file before every batch.
SELECT database, name, comment, sorting_key, partition_key
FROM system.tables
WHERE database IN {databases:Array(String)} AND name IN {tables:Array(String)}
