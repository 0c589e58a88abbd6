-- purpose:    The rows that a batch brings, inside of a check's own query.
-- parameters: $columns, $rows, $batch
-- guarantee:  of what readers would see, and no other.
-- why:        a check that looks at these alone costs what the batch does.
SELECT $columns
FROM $rows
WHERE _from = $batch
