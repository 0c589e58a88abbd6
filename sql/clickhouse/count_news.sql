-- purpose:    What a batch put into quarantine, and what it settled.
-- parameters: pipeline, batch
-- guarantee:  (collection, new or settled, reason or outcome, rejects).
-- why:        counted from what was written: a document that is rejected again is no news.
SELECT collection, 'new', reason, count()
FROM sluice.rejects
WHERE pipeline = {pipeline:String} AND batch = {batch:UInt32}
GROUP BY collection, reason
UNION ALL
SELECT collection, 'settled', outcome, uniqExact(key, hash, rejected)
FROM sluice.settled_rejects
WHERE pipeline = {pipeline:String} AND batch = {batch:UInt32}
GROUP BY collection, outcome
