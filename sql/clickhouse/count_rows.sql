-- purpose:    Rows of a table.
-- parameters: $table
-- guarantee:  exact; answered from metadata.
-- why:        every hand-over is counted (I1).
SELECT count()
FROM $table
