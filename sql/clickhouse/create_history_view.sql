-- purpose:    Every version of a row that was published: what analysts read through.
-- parameters: $view, $columns, $versions, $pipeline, $comment
-- guarantee:  shows no row of a batch that is not published; every row of each that was, until it is purged.
-- why:        with the rights of its definer, so that analysts need none on the storage, in which rows of a batch stand
--             before it is published. Its own newest batch is read after its reader's, and can only be newer.
CREATE OR REPLACE VIEW $view
DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
WITH (SELECT max(batch) FROM sluice.batches WHERE pipeline = $pipeline) AS _sluice_newest
SELECT $columns
FROM $versions
WHERE _from <= _sluice_newest
COMMENT $comment
