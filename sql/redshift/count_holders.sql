-- purpose:    How many locks do others hold, or wait for, to write a table, or to publish?
-- parameters: schema, table
-- guarantee:  0 means that nobody publishes at this moment. Readers are not counted.
-- why:        a publish locks sluice.batches first, and its tables when it comes to them. A user sees its own sessions.
SELECT COUNT(*)
FROM svv_transactions AS held
INNER JOIN pg_class AS c ON c.oid = held.relation
INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE held.pid <> PG_BACKEND_PID()
    AND held.lock_mode <> 'AccessShareLock'
    AND
    (
        (n.nspname = 'sluice' AND c.relname = 'batches')
        OR (n.nspname = {schema:VARCHAR(127)} AND c.relname = {table:VARCHAR(127)})
    )
