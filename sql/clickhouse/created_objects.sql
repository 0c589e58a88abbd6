-- purpose:    The definitions of everything in the control schema.
-- parameters: database
-- guarantee:  as the server prints them, tables before views.
-- why:        migrations/clickhouse/schema.sql shows the end state, and a test compares it.
SELECT formatQuery(create_table_query)
FROM system.tables
WHERE database = {database:String}
ORDER BY engine = 'View', name
