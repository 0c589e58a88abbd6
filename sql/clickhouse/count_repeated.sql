-- purpose:    How many keys were landed more than once?
-- parameters: $staging, $key
-- guarantee:  grouped in the order of the table: memory does not grow with the collection (I6).
-- why:        mostly there are none, and a batch is spared the table that would hold them.
SELECT count()
FROM
(
    SELECT $key
    FROM $staging
    GROUP BY $key
    HAVING count() > 1
)
SETTINGS optimize_aggregation_in_order = 1
