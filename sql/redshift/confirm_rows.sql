-- purpose:    Note of the rows that a batch found unchanged that they were read at its cut.
-- parameters: $storage, $key, $skipped, batch
-- guarantee:  the rows of a document and of its children; their values stay.
-- why:        otherwise a batch of a cut in between, which saw another state and is published later, would put that in
--             their place (I4).
UPDATE $storage
SET _from = {batch:INTEGER}
WHERE $key IN (SELECT "key" FROM $skipped WHERE NOT superseded)
