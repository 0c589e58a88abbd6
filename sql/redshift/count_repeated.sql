-- purpose:    How many staged keys were landed more than once?
-- parameters: $staging, $keys
-- guarantee:  0 when each key has one row.
-- why:        the plain case is found in one pass, and costs nothing more.
SELECT COUNT(*)
FROM (SELECT $keys FROM $staging GROUP BY $keys HAVING COUNT(*) > 1) AS repeated
