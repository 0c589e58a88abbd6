-- purpose:    Remove from a control table what an attempt left that never committed.
-- parameters: $table, pipeline, batch, owner
-- guarantee:  no effect unless the sender holds the fence.
-- why:        the next batch takes the same number, and would show them as its own.
ALTER TABLE $table
DELETE WHERE pipeline = {pipeline:String} AND batch > {batch:UInt32}
    AND (SELECT owner FROM sluice.holders WHERE pipeline = {pipeline:String}) = {owner:String}
