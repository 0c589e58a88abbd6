-- purpose:    Keys that a batch marked as gone.
-- parameters: pipeline, collection, batch
-- guarantee:  exact, until a later batch of the key, or a purge, takes the mark away.
-- why:        counted where they were written (I1).
SELECT COUNT(*)
FROM sluice.gone
WHERE pipeline = {pipeline:VARCHAR} AND collection = {collection:VARCHAR} AND batch = {batch:INTEGER}
