-- purpose:    Copy one row of each key that was landed more than once.
-- parameters: $once, $staging, $columns, $keys, $key, $order
-- guarantee:  one row a key, the first of the order; ties have the same content.
-- why:        equal rows cannot be told apart by DELETE, so all of them leave and one comes back.
INSERT INTO $once ($columns)
SELECT $columns
FROM
(
    SELECT $columns, ROW_NUMBER() OVER (PARTITION BY $keys ORDER BY $order) AS _place
    FROM $staging
    WHERE $key IN
        (SELECT $key FROM (SELECT $keys FROM $staging GROUP BY $keys HAVING COUNT(*) > 1) AS repeated)
) AS ordered
WHERE _place = 1
