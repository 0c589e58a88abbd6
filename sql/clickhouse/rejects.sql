-- purpose:    The rejects of a pipeline that are open, or all, newest batch first.
-- parameters: $quarantine, all, collection, column, reason, batch, key, limit
-- guarantee:  an empty text, or batch 0, means any; nothing of a batch that is not published.
-- why:        the quarantine is read like the data: at the newest commit.
SELECT
    collection, key, column, reason, detail, raw_uri, position, batch, cut, hash, state, settled_by, who, why, settled_at
FROM $quarantine
WHERE ({all:Bool} OR state = 'open')
    AND ({collection:String} = '' OR collection = {collection:String})
    AND ({column:String} = '' OR column = {column:String})
    AND ({reason:String} = '' OR reason = {reason:String})
    AND ({batch:UInt32} = 0 OR batch = {batch:UInt32})
    AND ({key:String} = '' OR key = {key:String})
ORDER BY batch DESC, collection, key, position
LIMIT {limit:UInt32}
