-- purpose:    Find a row of a key that a batch marked as gone.
-- parameters: $storage, $key, pipeline, collection, batch
-- guarantee:  no row when all of them left.
-- why:        a row that was not deleted is seen by no count of the batch's own rows.
SELECT $key
FROM $storage
WHERE CAST($key AS VARCHAR(1024)) IN
    (
        SELECT "key"
        FROM sluice.gone
        WHERE pipeline = {pipeline:VARCHAR} AND collection = {collection:VARCHAR} AND batch = {batch:INTEGER}
    )
LIMIT 1
