-- purpose:    What a batch put into quarantine, and what it settled.
-- parameters: pipeline, batch
-- guarantee:  (collection, new or settled, reason or outcome, rejects).
-- why:        counted from what was written: a document that is rejected again is no news.
SELECT collection, 'new', reason, COUNT(*)
FROM sluice.rejects
WHERE pipeline = {pipeline:VARCHAR(127)} AND batch = {batch:INTEGER}
GROUP BY collection, reason
UNION ALL
SELECT collection, 'settled', outcome, COUNT(*)
FROM sluice.settled_rejects
WHERE pipeline = {pipeline:VARCHAR(127)} AND batch = {batch:INTEGER}
GROUP BY collection, outcome
