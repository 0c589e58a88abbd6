-- purpose:    The rows of a table, inside of a check's own query.
-- parameters: $columns, $rows
-- guarantee:  as readers would see them with the batch.
-- why:        without Sluice's own columns, as the view.
SELECT $columns
FROM $rows
