-- purpose:    To which of these objects do rejects of later batches than that point?
-- parameters: pipeline, $uris, batch
-- guarantee:  only what is published: nothing else is in the table.
-- why:        a raw document stays for as long as its reject can be asked for.
SELECT DISTINCT raw_uri
FROM sluice.rejects
WHERE pipeline = {pipeline:VARCHAR(127)} AND batch > {batch:INTEGER} AND raw_uri IN ($uris)
