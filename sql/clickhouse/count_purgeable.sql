-- purpose:    How many versions were closed by a batch, or earlier?
-- parameters: $storage, batch
-- guarantee:  what purge_versions deletes.
-- why:        deleting nothing would still cost a mutation.
SELECT count()
FROM $storage
WHERE _to <= {batch:UInt32} AND _from <= {batch:UInt32}
