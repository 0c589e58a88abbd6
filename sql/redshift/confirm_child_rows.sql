-- purpose:    Note of the children of documents that a batch found unchanged that they were read at its cut.
-- parameters: $storage, $key, $skipped, batch
-- guarantee:  their values stay.
-- why:        as confirm_rows: a document and its children are of one batch.
UPDATE $storage
SET _from = {batch:INTEGER}
WHERE $key IN (SELECT "key" FROM $skipped WHERE NOT superseded)
