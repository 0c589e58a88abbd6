-- purpose:    Is there a group of that name?
-- parameters: group
-- guarantee:  1 or 0; the name in lower case.
-- why:        groups belong to the cluster, and only a superuser makes them: another database may have this one.
SELECT COUNT(*)
FROM pg_group
WHERE groname = {group:VARCHAR(127)}
