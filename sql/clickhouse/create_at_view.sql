-- purpose:    Time travel: what was visible at a batch. SELECT … FROM <this view>(batch = 12).
-- parameters: $view, $columns, $versions, batch, $comment
-- guarantee:  exact for every batch newer than the purge horizon.
-- why:        also how a batch is checked before it is published.
CREATE OR REPLACE VIEW $view AS
SELECT $columns
FROM $versions
WHERE _from <= {batch:UInt32} AND _to > {batch:UInt32}
COMMENT $comment
