-- purpose:    Write the rows of a collection's own table.
-- parameters: $storage, $columns, $staging, $key, $skipped, batch
-- guarantee:  each staged document that is neither gone nor skipped, once.
-- why:        after delete_replaced in the same transaction, so that a key has one row.
INSERT INTO $storage ($columns, _from)
SELECT $columns, {batch:INTEGER}
FROM $staging
WHERE NOT _gone AND $key NOT IN (SELECT "key" FROM $skipped)
