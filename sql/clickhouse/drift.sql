-- purpose:    What is known of each undeclared path.
-- parameters: pipeline
-- guarantee:  one row a path, as of the newest batch that saw it; nothing of a batch that is not published.
-- why:        each batch that sees a path writes its row anew: the newest says all, and the older ones may go.
SELECT collection, path, types, documents, sample, first_batch, batch
FROM sluice.drift
WHERE pipeline = {pipeline:String}
    AND batch <= (SELECT max(batch) FROM sluice.batches WHERE pipeline = {pipeline:String})
ORDER BY batch DESC, collection, path
LIMIT 1 BY collection, path
