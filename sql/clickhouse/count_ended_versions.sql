-- purpose:    How many versions of each partition were closed by a batch, or earlier?
-- parameters: $storage, batch
-- guarantee:  what purge_partition deletes.
-- why:        whether a partition is worth writing again.
SELECT _partition_id, count()
FROM $storage
WHERE _to <= {batch:UInt32} AND _from <= {batch:UInt32}
GROUP BY _partition_id
