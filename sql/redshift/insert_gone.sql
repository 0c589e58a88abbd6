-- purpose:    Mark the keys that are gone.
-- parameters: $staging, $key, $skipped, pipeline, collection, batch
-- guarantee:  one mark a key, also for a key that was never stored.
-- why:        the mark keeps a batch of an older cut from bringing the key back (I4).
INSERT INTO sluice.gone (pipeline, collection, "key", batch)
SELECT {pipeline:VARCHAR}, {collection:VARCHAR}, CAST($key AS VARCHAR(1024)), {batch:INTEGER}
FROM $staging
WHERE _gone AND $key NOT IN (SELECT "key" FROM $skipped)
