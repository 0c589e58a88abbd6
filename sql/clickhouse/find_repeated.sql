-- purpose:    Find the keys that were landed more than once, and which document of each to keep.
-- parameters: $kept, $staging, $key, $modified
-- guarantee:  what was read in a later turn wins, a document over "gone", the newest modified date over older ones;
--             ties are decided by the hash, so that every attempt keeps the same one.
-- why:        grouped in the order of the table: memory does not grow with the collection (I6).
INSERT INTO $kept (key, hash)
SELECT $key, argMax(_hash, (_turn, NOT _gone, ifNull(toFloat64($modified), -inf), _hash))
FROM $staging
GROUP BY $key
HAVING count() > 1
SETTINGS optimize_aggregation_in_order = 1
