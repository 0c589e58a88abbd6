-- purpose:    Find the staged keys of which a later turn rejected the document.
-- parameters: $kept, $staging, $key, $rejects, $rejected
-- guarantee:  each key once; one whose row is of the same turn as its reject, or of a later one, is none of them.
-- why:        what was read last decides, a reject like a row: the row is of a state that is past. keep_single leaves
--             them out.
INSERT INTO $kept (key, hash)
SELECT $key, 0
FROM $staging
INNER JOIN
(
    SELECT $rejected AS _key, max(turn) AS _last
    FROM $rejects
    WHERE key != ''
    GROUP BY _key
) AS later ON toString($key) = later._key
WHERE _turn < later._last
