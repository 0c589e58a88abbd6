-- purpose:    What did a batch write into a table?
-- parameters: $versions, batch
-- guarantee:  (published, gone, closed, confirmed) rows of that batch, until they are purged.
-- why:        counted where they were written, not where they came from (I1).
SELECT
    countIf(_from = {batch:UInt32} AND _to > {batch:UInt32}),
    countIf(_from = {batch:UInt32} AND _to = {batch:UInt32}),
    countIf(_from < {batch:UInt32} AND _to = {batch:UInt32}),
    countIf(_from = {batch:UInt32} AND _to = 0)
FROM $versions
WHERE _from = {batch:UInt32} OR _to = {batch:UInt32}
