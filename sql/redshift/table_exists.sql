-- purpose:    Does a table exist?
-- parameters: schema, table
-- guarantee:  one row, one number: 1 or 0.
-- why:        reading a table that is not there ends the transaction that asks.
SELECT COUNT(*)
FROM pg_tables
WHERE schemaname = {schema:VARCHAR(127)} AND tablename = {table:VARCHAR(127)}
