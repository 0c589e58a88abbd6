-- purpose:    Drop the staged rejects of a collection whose documents a later turn read again.
-- parameters: $staged, $staging, $key, $rejected, collection
-- guarantee:  of each key the rejects of the last turn that read it are left: none, when that one has a row of it.
-- why:        what was read last decides. The table is the attempt's own: nobody else reads it.
ALTER TABLE $staged
DELETE WHERE collection = {collection:String}
    AND (key, turn) IN
    (
        SELECT rejected.key, rejected.turn
        FROM
        (
            SELECT key, turn, $rejected AS _key, max(turn) OVER (PARTITION BY key) AS _last
            FROM $staged
            WHERE collection = {collection:String} AND key != ''
        ) AS rejected
        LEFT JOIN
        (
            SELECT toString($key) AS _key, _turn
            FROM $staging
            WHERE toString($key) IN (SELECT $rejected FROM $staged WHERE collection = {collection:String})
        ) AS again USING (_key)
        WHERE rejected.turn < greatest(rejected._last, again._turn)
    )
