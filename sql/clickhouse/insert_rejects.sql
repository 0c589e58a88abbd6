-- purpose:    Put the batch's rejects beside its rows.
-- parameters: $staged, $quarantine, pipeline, batch, cut, owner
-- guarantee:  no effect unless the sender holds the fence; shown only once the batch has its commit record. A document
--             that is rejected as it was when last rejected is not put there again, as long as that is open or dropped.
-- why:        before the commit record, so that a published batch has all its rejects. DISTINCT, because the driver
--             sends a block of rows again when the server closes the connection. A document without a usable modified
--             date is read in every batch. Without a key, its hash says which one it is.
INSERT INTO sluice.rejects
    (pipeline, batch, collection, key, column, reason, detail, raw_uri, position, cut, hash)
SELECT DISTINCT
    {pipeline:String}, {batch:UInt32}, collection, key, column, reason, detail, raw_uri, position,
    {cut:DateTime64(3, 'UTC')}, hash
FROM $staged
WHERE (SELECT owner FROM sluice.holders WHERE pipeline = {pipeline:String}) = {owner:String}
    AND (collection, key, column, reason, hash) NOT IN
    (
        SELECT collection, key, column, reason, hash
        FROM $quarantine
        WHERE newest AND state IN ('open', 'dropped') AND (collection, key) IN (SELECT collection, key FROM $staged)
    )
