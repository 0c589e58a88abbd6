-- purpose:    How many rows have an id and not its number?
-- parameters: $storage, $id, $numbered, batch
-- guarantee:  (rows of the batch, rows of earlier ones).
-- why:        a row without its number is missing from every join by number. Rows of earlier batches lack theirs when the
--             column was added after them.
SELECT
    COUNT(CASE WHEN _from = {batch:INTEGER} THEN 1 END),
    COUNT(CASE WHEN _from <> {batch:INTEGER} THEN 1 END)
FROM $storage
WHERE $numbered IS NULL AND $id IS NOT NULL
