-- purpose:    How many rejects have this batch and earlier ones that are settled?
-- parameters: $quarantine, batch
-- guarantee:  what delete_old_rejects deletes.
-- why:        deleting nothing would still cost a mutation.
SELECT count()
FROM $quarantine
WHERE batch <= {batch:UInt32} AND state != 'open'
