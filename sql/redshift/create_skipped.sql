-- purpose:    A table of the staged keys that this transaction does not publish.
-- parameters: $skipped, $type
-- guarantee:  empty, and seen by this transaction only.
-- why:        decided once for a document and all its children, before anything is deleted.
CREATE TABLE $skipped ("key" $type NOT NULL, superseded BOOLEAN NOT NULL)
