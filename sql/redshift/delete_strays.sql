-- purpose:    Take the children out of staging whose document is not staged.
-- parameters: $staging, $key, $parents, $parent_key
-- guarantee:  every child left belongs to a staged document, by key.
-- why:        a document that was written anew since a replay read it is not replayed, and neither are its children.
DELETE FROM $staging
WHERE NOT EXISTS (SELECT 1 FROM $parents WHERE $parents.$parent_key = $staging.$key)
