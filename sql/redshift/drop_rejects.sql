-- purpose:    Mark open rejects as dealt with.
-- parameters: $quarantine, pipeline, collection, column, reason, batch, key, who, why
-- guarantee:  nothing is deleted. A document that is rejected again as it was stays dropped; as something else, it is a new
--             reject.
-- why:        under the lock of the publishers, who read and write the same rows: else the cluster rolls one of the two back.
INSERT INTO sluice.settled_rejects (pipeline, collection, "key", hash, rejected, outcome, batch, who, why)
SELECT
    {pipeline:VARCHAR(127)}, collection, "key", hash, batch, 'dropped', 0, {who:VARCHAR(256)}, {why:VARCHAR(4096)}
FROM $quarantine AS quarantine
WHERE state = 'open'
    AND ({collection:VARCHAR(256)} = '' OR collection = {collection:VARCHAR(256)})
    AND ({column:VARCHAR(512)} = '' OR "column" = {column:VARCHAR(512)})
    AND ({reason:VARCHAR(256)} = '' OR reason = {reason:VARCHAR(256)})
    AND ({batch:INTEGER} = 0 OR batch = {batch:INTEGER})
    AND ({key:VARCHAR(1024)} = '' OR "key" = {key:VARCHAR(1024)})
