-- purpose:    Give a number to the ids of a column that have none.
-- parameters: $keys, $ids, $id
-- guarantee:  each id once. Part of the publishing transaction, whose lock lets nobody else give numbers.
-- why:        keys are not enforced here: only what is not there yet is inserted, and each id once.
INSERT INTO $keys (id)
SELECT DISTINCT brought.$id
FROM $ids AS brought
LEFT JOIN $keys AS known ON known.id = brought.$id
WHERE brought.$id IS NOT NULL AND known.id IS NULL
