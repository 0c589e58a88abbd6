-- purpose:    The comments on the tables and views of a schema.
-- parameters: schema
-- guarantee:  (name, comment) of each that exists; an empty comment where there is none.
-- why:        a comment says whose it is, and a view's also what it was made of: the server prints views differently.
SELECT c.relname, COALESCE(d.description, '')
FROM pg_class AS c
INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_description AS d ON d.objoid = c.oid AND d.objsubid = 0
WHERE n.nspname = {schema:VARCHAR(127)} AND c.relkind IN ('r', 'v')
ORDER BY c.relname
