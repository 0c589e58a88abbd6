-- purpose:    Write the new versions of a child table.
-- parameters: $storage, $columns, $staging, $key, $compared, batch, slices, slice, pipeline, owner
-- guarantee:  as insert_versions; the children of a skipped document are skipped with it.
-- why:        a document's children are replaced together, so that no element of an older state stays behind.
INSERT INTO $storage ($columns, _from, _to)
SELECT $columns, {batch:UInt32}, 4294967295
FROM $staging
WHERE xxHash64($key) % {slices:UInt16} = {slice:UInt16}
    AND $key NOT IN (SELECT key FROM $compared WHERE slice = {slice:UInt16} AND fate != 'replaced')
    AND (SELECT owner FROM sluice.holders WHERE pipeline = {pipeline:String}) = {owner:String}
