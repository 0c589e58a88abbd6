-- purpose:    How many rejects have this batch and earlier ones that were settled by then?
-- parameters: $quarantine, batch
-- guarantee:  what delete_old_rejects deletes.
-- why:        a dry run says so, and without any nobody is kept waiting for the lock.
SELECT COUNT(*)
FROM $quarantine AS quarantine
WHERE batch <= {batch:INTEGER} AND settled_by <= {batch:INTEGER} AND NOT (newest AND state IN ('open', 'dropped'))
