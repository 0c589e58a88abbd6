-- purpose:    What is known of each undeclared path.
-- parameters: pipeline
-- guarantee:  one row a path, as of the newest batch that saw it.
-- why:        what status shows, and what the next batch adds to.
SELECT collection, path, types, documents, sample, first_batch, batch
FROM sluice.drift
WHERE pipeline = {pipeline:VARCHAR(127)}
ORDER BY batch DESC, collection, path
