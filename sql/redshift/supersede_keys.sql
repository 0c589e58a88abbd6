-- purpose:    Say of every staged key that more is known of it.
-- parameters: $skipped, $staging, $key
-- guarantee:  nothing of the collection is published.
-- why:        it was loaded whole at a later cut: also a key that has no row is known, to be gone (I4).
INSERT INTO $skipped ("key", superseded)
SELECT $key, TRUE FROM $staging
