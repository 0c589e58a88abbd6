-- purpose:    Stage a row that says "gone" for each key that readers see and a whole load did not find.
-- parameters: $staging, $storage, $key, $rejects, $rejected, collection, slices, slice, pipeline, owner
-- guarantee:  no effect unless the sender holds the fence; once a key. What was rejected keeps its older row, and where a
--             reject has no key, nobody can tell which row that is: then all are kept.
-- why:        the source says nothing of what it does not have. By slices of the keys, so that memory is bounded (I6).
INSERT INTO $staging ($key, _hash, _gone, _turn)
SELECT $key, 0, true, -1
FROM $storage
WHERE _to = 4294967295
    AND xxHash64($key) % {slices:UInt16} = {slice:UInt16}
    AND $key NOT IN (SELECT $key FROM $staging WHERE xxHash64($key) % {slices:UInt16} = {slice:UInt16})
    AND toString($key) NOT IN (SELECT $rejected FROM $rejects WHERE collection = {collection:String})
    AND NOT (SELECT max(key = '') FROM $rejects WHERE collection = {collection:String})
    AND (SELECT owner FROM sluice.holders WHERE pipeline = {pipeline:String}) = {owner:String}
