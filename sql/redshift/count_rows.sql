-- purpose:    Rows of a table.
-- parameters: $table
-- guarantee:  exact, as of the transaction's snapshot.
-- why:        every hand-over is counted where it arrived (I1).
SELECT COUNT(*) FROM $table
