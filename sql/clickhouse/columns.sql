-- purpose:    Under which columns rows of each collection were written, from which batch on.
-- parameters: pipeline
-- guarantee:  nothing of a batch that is not published.
-- why:        a replay has to know what a row was made of.
SELECT collection, batch, hash, columns
FROM sluice.columns
WHERE pipeline = {pipeline:String}
    AND batch <= (SELECT max(batch) FROM sluice.batches WHERE pipeline = {pipeline:String})
ORDER BY batch, collection
