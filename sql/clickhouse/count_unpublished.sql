-- purpose:    What did an attempt that never committed leave in a table?
-- parameters: $storage, batch
-- guarantee:  (rows it wrote, rows it closed), counted above the newest published batch.
-- why:        undoing rewrites parts; most of the time there is nothing to undo.
SELECT countIf(_from > {batch:UInt32}), countIf(_to > {batch:UInt32} AND _to < 4294967295)
FROM $storage
WHERE _from > {batch:UInt32} OR (_to > {batch:UInt32} AND _to < 4294967295)
