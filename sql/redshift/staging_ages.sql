-- purpose:    Every staging table, and when it was made.
-- parameters: $schema
-- guarantee:  names and times only, of tables that are committed.
-- why:        a plan of any age may be run again: what it stages then is young.
SELECT relname, relcreationtime
FROM pg_class_info
INNER JOIN pg_namespace ON pg_namespace.oid = pg_class_info.relnamespace
WHERE nspname = $schema AND relkind = 'r'
ORDER BY relname
