-- purpose:    How many rows of some batches there are, how many of them have undeclared fields, and of what size.
-- parameters: $storage, $written
-- guarantee:  as of now.
-- why:        a replay reads them in pages of bounded size.
SELECT COUNT(*), COUNT(_extra), COALESCE(SUM(CAST(JSON_SIZE(_extra) AS BIGINT)), 0)
FROM $storage
WHERE $written
