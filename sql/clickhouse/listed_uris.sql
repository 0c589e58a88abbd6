-- purpose:    To which of these objects do rejects of later batches than that point?
-- parameters: pipeline, uris, batch
-- guarantee:  rejects of batches that are not published count too.
-- why:        a raw document stays for as long as its reject can be asked for.
SELECT DISTINCT raw_uri
FROM sluice.rejects
WHERE pipeline = {pipeline:String} AND batch > {batch:UInt32} AND raw_uri IN {uris:Array(String)}
