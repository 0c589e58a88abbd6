-- purpose:    How many keys have a version that this batch closes?
-- parameters: $compared, slice
-- guarantee:  0 when close_versions would close nothing, of documents or of children.
-- why:        closing rewrites a column of every part it touches; an initial load and most new keys close nothing.
SELECT count()
FROM $compared
WHERE slice = {slice:UInt16} AND fate = 'replaced'
