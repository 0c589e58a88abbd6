-- purpose:    Take the rows out of storage that this batch replaces or ends, of a document or of its children.
-- parameters: $storage, $key, $parents, $parent_key, $skipped
-- guarantee:  every row of a staged key that is not skipped. Readers see it with the commit, and never without the rest.
-- why:        DELETE and not TRUNCATE, which commits whatever the transaction did so far.
DELETE FROM $storage
USING $parents
WHERE $storage.$key = $parents.$parent_key
    AND $parents.$parent_key NOT IN (SELECT "key" FROM $skipped)
