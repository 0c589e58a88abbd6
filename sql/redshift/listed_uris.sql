-- purpose:    To which of these objects do rejects point that are open, or of later batches than that, or settled by one?
-- parameters: $quarantine, $uris, batch
-- guarantee:  only what is published: nothing else is in the table.
-- why:        a raw document stays for as long as its reject; of one that stays because somebody dropped it, until then.
SELECT DISTINCT raw_uri
FROM $quarantine AS quarantine
WHERE (batch > {batch:INTEGER} OR settled_by > {batch:INTEGER} OR state = 'open') AND raw_uri IN ($uris)
