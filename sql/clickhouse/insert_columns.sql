-- purpose:    Write that a batch wrote a collection's rows under other columns than the batch before.
-- parameters: pipeline, batch, collection, hash, columns, owner
-- guarantee:  no effect unless the sender holds the fence; of no meaning before the batch has its commit record.
-- why:        before the commit record, so that no published batch is without it.
INSERT INTO sluice.columns (pipeline, batch, collection, hash, columns)
SELECT {pipeline:String}, {batch:UInt32}, {collection:String}, {hash:String}, {columns:String}
WHERE (SELECT owner FROM sluice.holders WHERE pipeline = {pipeline:String}) = {owner:String}
