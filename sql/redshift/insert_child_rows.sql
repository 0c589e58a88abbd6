-- purpose:    Write the rows of a child table.
-- parameters: $storage, $columns, $values, $staging, $joins, $key, $skipped, batch
-- guarantee:  as insert_rows; the children of a skipped document are skipped with it.
-- why:        a document's children are replaced together, so that no element of an older state stays behind.
INSERT INTO $storage ($columns, _from)
SELECT $values, {batch:INTEGER}
FROM $staging AS staged $joins
WHERE staged.$key NOT IN (SELECT "key" FROM $skipped)
