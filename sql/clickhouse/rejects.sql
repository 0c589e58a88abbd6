-- purpose:    Rejects of published batches, newest first.
-- parameters: pipeline, collection, key, limit
-- guarantee:  an empty collection or key means any; nothing of a batch that is not published.
-- why:        the quarantine is read like the data: at the newest commit.
SELECT collection, key, column, reason, detail, raw_uri, position, batch, cut
FROM sluice.rejects
WHERE pipeline = {pipeline:String}
    AND batch <= (SELECT max(batch) FROM sluice.batches WHERE pipeline = {pipeline:String})
    AND ({collection:String} = '' OR collection = {collection:String})
    AND ({key:String} = '' OR key = {key:String})
ORDER BY batch DESC, collection, key, position
LIMIT {limit:UInt32}
