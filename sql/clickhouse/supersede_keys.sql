-- purpose:    Say of every staged key that more is known of it.
-- parameters: $compared, $staging, $key, slices, slice
-- guarantee:  nothing of the collection is published.
-- why:        it was loaded whole at a later cut: also a key that is not in the master is known, to be gone (I4).
INSERT INTO $compared (slice, key, fate)
SELECT {slice:UInt16}, $key, 'superseded'
FROM $staging
WHERE xxHash64($key) % {slices:UInt16} = {slice:UInt16}
