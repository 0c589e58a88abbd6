-- purpose:    A table for the keys of rejected documents that were asked for again.
-- parameters: $asked
-- guarantee:  empty, and this attempt's own.
-- why:        a document that is gone leaves no row in staging where the pipeline file keeps what is deleted.
CREATE OR REPLACE TABLE $asked (collection String, key String)
ENGINE = MergeTree
ORDER BY tuple()
