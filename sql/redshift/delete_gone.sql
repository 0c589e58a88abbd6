-- purpose:    Forget what was known of the staged keys being gone.
-- parameters: $staging, $key, $skipped, pipeline, collection
-- guarantee:  no mark is left of a key that this batch writes or ends.
-- why:        the row that is written, or the new mark, says more: it is of a later cut.
DELETE FROM sluice.gone
USING $staging
WHERE sluice.gone.pipeline = {pipeline:VARCHAR} AND sluice.gone.collection = {collection:VARCHAR}
    AND sluice.gone."key" = CAST($staging.$key AS VARCHAR(1024))
    AND $staging.$key NOT IN (SELECT "key" FROM $skipped)
