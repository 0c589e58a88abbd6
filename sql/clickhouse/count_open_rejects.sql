-- purpose:    How many open rejects are there of these?
-- parameters: $quarantine, collection, column, reason, batch, key
-- guarantee:  those that drop_rejects marks.
-- why:        the server does not say how many rows it inserted.
SELECT count()
FROM $quarantine
WHERE state = 'open'
    AND ({collection:String} = '' OR collection = {collection:String})
    AND ({column:String} = '' OR column = {column:String})
    AND ({reason:String} = '' OR reason = {reason:String})
    AND ({batch:UInt32} = 0 OR batch = {batch:UInt32})
    AND ({key:String} = '' OR key = {key:String})
