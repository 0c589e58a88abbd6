-- purpose:    The inner of the two views that analysts read through.
-- parameters: $view, $columns, $storage, $comment
-- guarantee:  shows every version, with no condition.
-- why:        with one view only, the parts of the table are chosen before the newest batch is read, and a publish in
--             between is seen torn (I2). Reading through this view, the batch is read first. docs/adr has the numbers.
CREATE OR REPLACE VIEW $view AS
SELECT $columns
FROM $storage
COMMENT $comment
