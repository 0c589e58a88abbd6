-- purpose:    Every staging table.
-- parameters: $schema
-- guarantee:  names only, of tables that are committed.
-- why:        whose they are stands in their names; the caller reads it there.
SELECT tablename
FROM pg_tables
WHERE schemaname = $schema
ORDER BY tablename
