-- purpose:    What analysts read.
-- parameters: $view, $columns, $storage
-- guarantee:  the pipeline's columns, without Sluice's own.
-- why:        bound late: a column of the storage can be widened or dropped while the view stays, and readers see no gap.
CREATE VIEW $view AS
SELECT $columns
FROM $storage
WITH NO SCHEMA BINDING
