-- purpose:    The rejects of a pipeline that are open, or all, newest batch first.
-- parameters: $quarantine, all, collection, column, reason, batch, key, limit
-- guarantee:  an empty text, or batch 0, means any.
-- why:        the quarantine is read like the data: at the newest commit.
SELECT
    collection, "key", "column", reason, detail, raw_uri, "position", batch, cut, hash, state, settled_by, who, why,
    settled_at
FROM $quarantine AS quarantine
WHERE ({all:BOOLEAN} OR state = 'open')
    AND ({collection:VARCHAR(256)} = '' OR collection = {collection:VARCHAR(256)})
    AND ({column:VARCHAR(512)} = '' OR "column" = {column:VARCHAR(512)})
    AND ({reason:VARCHAR(256)} = '' OR reason = {reason:VARCHAR(256)})
    AND ({batch:INTEGER} = 0 OR batch = {batch:INTEGER})
    AND ({key:VARCHAR(1024)} = '' OR "key" = {key:VARCHAR(1024)})
ORDER BY batch DESC, collection, "key", "position"
LIMIT {limit:INTEGER}
