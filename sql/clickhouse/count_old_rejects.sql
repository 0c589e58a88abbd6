-- purpose:    How many rejects have this batch and earlier ones that were settled by then?
-- parameters: $quarantine, batch
-- guarantee:  what delete_old_rejects deletes.
-- why:        deleting nothing would still cost a mutation.
SELECT count()
FROM $quarantine
WHERE batch <= {batch:UInt32} AND settled_by <= {batch:UInt32} AND NOT (newest AND state IN ('open', 'dropped'))
