-- purpose:    Some of the rows that a check's own query selects.
-- parameters: $failing
-- guarantee:  at most five.
-- why:        a check names the rows that fail.
SELECT *
FROM
(
$failing
) AS failing
LIMIT 5
