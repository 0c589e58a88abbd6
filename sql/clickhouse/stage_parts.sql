-- purpose:    Read landed parts into staging, with the server's own access to the landing.
-- parameters: $staging, $columns, url, structure
-- guarantee:  exactly the objects named: a missing one is an error (a pattern would skip it), and so are a missing
--             column and a null in a column that takes none (both would silently become a default).
-- why:        no key ever stands in SQL (I9): the server's configuration or role has it.
INSERT INTO $staging ($columns)
SELECT $columns
FROM s3({url:String}, 'Parquet', {structure:String})
SETTINGS input_format_parquet_allow_missing_columns = 0, input_format_null_as_default = 0, use_hive_partitioning = 0
