-- purpose:    Write the rows of a collection's own table.
-- parameters: $storage, $columns, $values, $staging, $joins, $key, $skipped, batch
-- guarantee:  each staged document that is neither gone nor skipped, once.
-- why:        after delete_replaced in the same transaction, so that a key has one row.
INSERT INTO $storage ($columns, _from)
SELECT $values, {batch:INTEGER}
FROM $staging AS staged $joins
WHERE NOT staged._gone AND staged.$key NOT IN (SELECT "key" FROM $skipped)
