-- purpose:    Write a mark for each key that a batch found unchanged.
-- parameters: $storage, $key, $compared, batch, slice, pipeline, owner
-- guarantee:  as insert_versions: no effect unless the sender holds the fence, and never visible (to = 0).
-- why:        without it nothing says that the state was read again at this cut, and a batch of a cut in between, which
--             saw another state and is published later, would put that in its place (I4).
INSERT INTO $storage ($key, _from, _to)
SELECT key, {batch:UInt32}, 0
FROM $compared
WHERE slice = {slice:UInt16} AND fate = 'unchanged'
    AND (SELECT owner FROM sluice.holders WHERE pipeline = {pipeline:String}) = {owner:String}
