-- purpose:    Delete the versions that were closed by a batch, or earlier.
-- parameters: $storage, batch
-- guarantee:  only rows that no reader of a newer batch sees; a publish may run meanwhile.
-- why:        needs no fence: what a published batch closed never changes again.
ALTER TABLE $storage
DELETE WHERE _to <= {batch:UInt32}
