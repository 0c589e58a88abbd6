-- purpose:    Drop the staged rejects of a collection whose documents a later turn read again.
-- parameters: $staged, $staging, $key, $rejected, collection
-- guarantee:  of each key the rejects of the last turn that read it are left: none, when that one has a row of it.
-- why:        what was read last decides.
DELETE FROM $staged
USING
(
    SELECT rejected."key", GREATEST(MAX(rejected.turn), COALESCE(MAX(again._turn), 0)) AS _last
    FROM
    (
        SELECT "key", turn, $rejected AS _key FROM $staged WHERE collection = {collection:VARCHAR(256)} AND "key" <> ''
    ) AS rejected
    LEFT JOIN $staging AS again ON CAST(again.$key AS VARCHAR(1024)) = rejected._key
    GROUP BY rejected."key"
) AS reread
WHERE $staged.collection = {collection:VARCHAR(256)} AND $staged."key" = reread."key" AND $staged.turn < reread._last
