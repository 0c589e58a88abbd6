-- purpose:    Staged rows of one table that are not published, by reason.
-- parameters: $staging, $key, $compared, slices, slice
-- guarantee:  (superseded, unchanged) rows of one slice; a child's row counts as its parent's key does.
-- why:        staged = published + unchanged + superseded + gone has to add up in every table (I1).
SELECT
    countIf($key IN (SELECT key FROM $compared WHERE slice = {slice:UInt16} AND fate = 'superseded')),
    countIf($key IN (SELECT key FROM $compared WHERE slice = {slice:UInt16} AND fate = 'unchanged'))
FROM $staging
WHERE xxHash64($key) % {slices:UInt16} = {slice:UInt16}
    AND $key IN (SELECT key FROM $compared WHERE slice = {slice:UInt16} AND fate != 'replaced')
