-- purpose:    Write what a batch adds to what is known of undeclared paths.
-- parameters: $staged, pipeline, owner
-- guarantee:  no effect unless the sender holds the fence; shown only once the batch has its commit record.
-- why:        before the commit record, as rejects. DISTINCT, because the driver sends a block of rows again when the
--             server closes the connection.
INSERT INTO sluice.drift (pipeline, collection, path, types, documents, sample, first_batch, batch)
SELECT DISTINCT {pipeline:String}, collection, path, types, documents, sample, first_batch, batch
FROM $staged
WHERE (SELECT owner FROM sluice.holders WHERE pipeline = {pipeline:String}) = {owner:String}
