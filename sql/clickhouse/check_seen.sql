-- purpose:    The rows of a table, inside of a check's own query.
-- parameters: $columns, $rows, $batch
-- guarantee:  as readers would see them with the batch.
-- why:        the number of the batch is in the text: the query around it belongs to somebody else.
SELECT $columns
FROM $rows
WHERE _from <= $batch AND _to > $batch
