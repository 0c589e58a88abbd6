-- purpose:    To which of these objects do rejects point that are open, or of later batches than that, or settled by one?
-- parameters: $quarantine, pipeline, uris, batch
-- guarantee:  rejects of batches that are not published count too.
-- why:        a raw document stays for as long as its reject; of one that stays because somebody dropped it, until then.
SELECT DISTINCT raw_uri
FROM sluice.rejects
WHERE pipeline = {pipeline:String} AND raw_uri IN {uris:Array(String)}
    AND
    (
        batch > {batch:UInt32}
        OR (batch, collection, key, hash) IN
        (
            SELECT batch, collection, key, hash FROM $quarantine WHERE state = 'open' OR settled_by > {batch:UInt32}
        )
    )
