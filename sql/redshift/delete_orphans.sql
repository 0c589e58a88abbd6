-- purpose:    Take the children out of staging whose document is not there in the state that they came with.
-- parameters: $staging, $key, $parents, $parent_key
-- guarantee:  every child left belongs to a staged document, by key and hash.
-- why:        a document's children follow it: when another state of it was kept, and when COPY refused it.
DELETE FROM $staging
WHERE NOT EXISTS
    (SELECT 1 FROM $parents WHERE $parents.$parent_key = $staging.$key AND $parents._hash = $staging._hash)
