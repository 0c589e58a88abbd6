-- purpose:    Put the batch's rejects beside its rows.
-- parameters: $staged, pipeline, batch, cut, owner
-- guarantee:  no effect unless the sender holds the fence; shown only once the batch has its commit record.
-- why:        before the commit record, so that a published batch has all its rejects. DISTINCT, because the driver
--             sends a block of rows again when the server closes the connection.
INSERT INTO sluice.rejects
    (pipeline, batch, collection, key, column, reason, detail, raw_uri, position, cut)
SELECT DISTINCT
    {pipeline:String}, {batch:UInt32}, collection, key, column, reason, detail, raw_uri, position,
    {cut:DateTime64(3, 'UTC')}
FROM $staged
WHERE (SELECT owner FROM sluice.holders WHERE pipeline = {pipeline:String}) = {owner:String}
