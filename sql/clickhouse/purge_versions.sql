-- purpose:    Delete the versions that were closed by a batch, or earlier.
-- parameters: $storage, batch
-- guarantee:  only rows that no reader of a newer batch sees, and marks of that batch or older ones; a publish may run
--             meanwhile.
-- why:        needs no fence: what a published batch closed never changes again.
ALTER TABLE $storage
DELETE WHERE _to <= {batch:UInt32} AND _from <= {batch:UInt32}
