-- purpose:    Does a schema exist?
-- parameters: schema
-- guarantee:  one row, one number: 1 or 0.
-- why:        only who may create schemas may say IF NOT EXISTS, and an administrator may have made it.
SELECT COUNT(*)
FROM pg_namespace
WHERE nspname = {schema:VARCHAR(127)}
