-- purpose:    What analysts read: the rows that are visible at the newest published batch.
-- parameters: $view, $definitions, $columns, $history, $pipeline, $comment
-- guarantee:  all tables of a pipeline show the same batch within one statement (I2).
-- why:        the batch is a scalar, evaluated once a statement, for all tables. So this view has to have the rights of
--             its reader: one with those of its definer is a statement of its own, with a batch of its own.
CREATE OR REPLACE VIEW $view ($definitions)
SQL SECURITY INVOKER AS
WITH (SELECT max(batch) FROM sluice.batches WHERE pipeline = $pipeline) AS _sluice_batch
SELECT $columns
FROM $history
WHERE _from <= _sluice_batch AND _to > _sluice_batch
COMMENT $comment
