-- purpose:    What analysts read: the rows that are visible at the newest published batch.
-- parameters: $view, $columns, $versions, $pipeline, $comment
-- guarantee:  all tables of a pipeline show the same batch within one statement (I2).
-- why:        the batch is a scalar, evaluated once a statement, for all tables.
CREATE OR REPLACE VIEW $view AS
WITH (SELECT max(batch) FROM sluice.batches WHERE pipeline = $pipeline) AS _sluice_batch
SELECT $columns
FROM $versions
WHERE _from <= _sluice_batch AND _to > _sluice_batch
COMMENT $comment
