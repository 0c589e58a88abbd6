-- purpose:    Try to insert.
-- parameters: $table
-- guarantee:  one row.
-- why:        publish does.
INSERT INTO $table VALUES ('probe', 0)
