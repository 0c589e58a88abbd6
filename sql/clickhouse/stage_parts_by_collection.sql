-- purpose:    Read landed parts into staging, through a named collection that has the landing's address and keys.
-- parameters: $staging, $columns, $collection, filename, structure
-- guarantee:  as stage_parts; the names are relative to the url in the named collection.
-- why:        where the server's own configuration cannot be changed, a named collection keeps the keys out of SQL.
INSERT INTO $staging ($columns)
SELECT $columns
FROM s3($collection, filename = {filename:String}, format = 'Parquet', structure = {structure:String})
SETTINGS input_format_parquet_allow_missing_columns = 0, input_format_null_as_default = 0, use_hive_partitioning = 0
