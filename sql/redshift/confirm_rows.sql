-- purpose:    Note of the rows of a collection's own table that a batch found unchanged that they were read at its cut.
-- parameters: $storage, $key, $skipped, batch
-- guarantee:  their values stay; whatever a replay noted of an earlier read is no longer of interest.
-- why:        otherwise a batch of a cut in between, which saw another state and is published later, would put that in
--             their place (I4).
UPDATE $storage
SET _from = {batch:INTEGER}, _read = NULL
WHERE $key IN (SELECT "key" FROM $skipped WHERE NOT superseded)
