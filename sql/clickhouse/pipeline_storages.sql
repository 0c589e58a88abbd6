-- purpose:    Every storage table of a pipeline, also of collections that its file no longer names.
-- parameters: database, comment
-- guarantee:  found by the comment that Sluice gave the table, never by a guess at its name.
-- why:        what a dead attempt left in a table that was then removed from the file would become visible later.
SELECT name
FROM system.tables
WHERE database = {database:String} AND startsWith(comment, {comment:String}) AND endsWith(engine, 'MergeTree')
ORDER BY name
