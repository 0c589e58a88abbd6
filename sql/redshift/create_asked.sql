-- purpose:    A table for the keys of rejected documents that were asked for again.
-- parameters: $asked
-- guarantee:  empty.
-- why:        a document that is gone leaves no row in staging where the pipeline file keeps what is deleted.
CREATE TABLE $asked (collection VARCHAR(256), "key" VARCHAR(1024))
