-- purpose:    Find an id with two numbers, or a number with two ids, among those that a batch brings.
-- parameters: $keys, $ids, $id
-- guarantee:  no row when each id has one number, and each number is the number of one id.
-- why:        neither is enforced here. A copy of the key table, as one made to change how it is stored, starts its numbers
--             anew.
WITH mine AS
(
    SELECT known.id, known.number
    FROM $keys AS known
    WHERE known.id IN (SELECT $id FROM $ids)
)
SELECT CAST(MIN(id) AS VARCHAR(1024)), CAST(MAX(id) AS VARCHAR(1024)), MIN(number)
FROM mine
GROUP BY id
HAVING COUNT(*) > 1
UNION ALL
SELECT CAST(MIN(id) AS VARCHAR(1024)), CAST(MAX(id) AS VARCHAR(1024)), number
FROM $keys
WHERE number IN (SELECT number FROM mine)
GROUP BY number
HAVING COUNT(*) > 1
LIMIT 1
