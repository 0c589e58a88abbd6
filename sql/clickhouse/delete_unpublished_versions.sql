-- purpose:    Remove the rows of an attempt that never committed.
-- parameters: $storage, batch, pipeline, owner
-- guarantee:  no effect unless the sender holds the fence; never touches a published row.
-- why:        the guard: a sleeper that wakes up here would delete what its successor has published since.
ALTER TABLE $storage
DELETE WHERE _from > {batch:UInt32}
    AND (SELECT owner FROM sluice.holders WHERE pipeline = {pipeline:String}) = {owner:String}
