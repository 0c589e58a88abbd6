-- purpose:    Take the rows out of staging of which a later turn rejected the document.
-- parameters: $staging, $key, $rejects, $rejected
-- guarantee:  a row of the same turn as the reject of its key, or of a later one, stays.
-- why:        what was read last decides, a reject like a row: the row is of a state that is past.
DELETE FROM $staging
USING (SELECT $rejected AS _key, MAX(turn) AS _last FROM $rejects WHERE "key" <> '' GROUP BY 1) AS later
WHERE CAST($staging.$key AS VARCHAR(1024)) = later._key AND $staging._turn < later._last
