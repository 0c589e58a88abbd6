-- purpose:    Stage a row that says "gone" for each key that readers see and a whole load did not find.
-- parameters: $staging, $storage, $key, $rejects, $rejected, collection
-- guarantee:  part of the publishing transaction; once a key. What was rejected keeps its older row, and where a reject
--             has no key, nobody can tell which row that is: then all are kept.
-- why:        the source says nothing of what it does not have.
INSERT INTO $staging ($key, _hash, _gone, _turn)
SELECT master.$key, 0, TRUE, -1
FROM $storage AS master
WHERE NOT EXISTS (SELECT 1 FROM $staging AS staged WHERE staged.$key = master.$key)
    AND NOT EXISTS
    (
        SELECT 1
        FROM $rejects
        WHERE collection = {collection:VARCHAR(256)} AND $rejected = CAST(master.$key AS VARCHAR(1024))
    )
    AND NOT EXISTS (SELECT 1 FROM $rejects WHERE collection = {collection:VARCHAR(256)} AND "key" = '')
