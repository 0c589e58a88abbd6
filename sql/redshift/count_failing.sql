-- purpose:    How many rows does a check's own query select?
-- parameters: $failing
-- guarantee:  exact.
-- why:        inside of a query, so that whatever stands in the file can only be one.
SELECT COUNT(*)
FROM
(
$failing
) AS failing
