-- purpose:    Write the numbers of ids into the rows that have none.
-- parameters: $storage, $id, $numbered, $keys
-- guarantee:  part of the publishing transaction. Rows with a number keep it.
-- why:        rows that are older than the column do not wait until their documents are read again.
UPDATE $storage
SET $numbered = known.number
FROM $keys AS known
WHERE known.id = $storage.$id AND $storage.$numbered IS NULL
