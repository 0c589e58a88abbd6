-- purpose:    Delete the versions of one partition that were closed by a batch, or earlier.
-- parameters: $storage, $partition, batch
-- guarantee:  as of purge_versions: only rows that no reader of a newer batch sees; a publish may run meanwhile.
-- why:        partition by partition, and not waited for here, so that it can be given up when time is short.
ALTER TABLE $storage
DELETE IN PARTITION ID $partition WHERE _to <= {batch:UInt32} AND _from <= {batch:UInt32}
SETTINGS mutations_sync = 0
