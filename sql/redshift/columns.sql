-- purpose:    Under which columns rows of each collection were written, from which batch on.
-- parameters: pipeline
-- guarantee:  as of the last publish.
-- why:        a replay has to know what a row was made of.
SELECT collection, batch, hash, columns
FROM sluice.columns
WHERE pipeline = {pipeline:VARCHAR(127)}
ORDER BY batch, collection
