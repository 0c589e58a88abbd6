-- purpose:    How many rows of some batches are visible, how many of them have undeclared fields, and of what size.
-- parameters: $storage, $written, base
-- guarantee:  as readers saw them at the batch base.
-- why:        a replay reads them in pages of bounded size.
SELECT count(), countIf(_extra IS NOT NULL), sum(length(coalesce(_extra, '')))
FROM $storage
WHERE _from <= {base:UInt32} AND _to > {base:UInt32} AND $written
