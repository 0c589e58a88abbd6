-- purpose:    The newest reject of each document, newest batch first.
-- parameters: pipeline, collection, key, limit
-- guarantee:  an empty collection or key means any; nothing of a batch that is not published.
-- why:        the quarantine is read like the data: at the newest commit. A document may have been rejected before,
--             as something else: once is enough to see.
SELECT collection, key, column, reason, detail, raw_uri, position, batch, cut
FROM sluice.rejects
WHERE pipeline = {pipeline:String}
    AND batch <= (SELECT max(batch) FROM sluice.batches WHERE pipeline = {pipeline:String})
    AND ({collection:String} = '' OR collection = {collection:String})
    AND ({key:String} = '' OR key = {key:String})
ORDER BY batch DESC, collection, key, position
LIMIT 1 BY collection, key
LIMIT {limit:UInt32}
