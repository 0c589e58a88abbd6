-- purpose:    The newest value of a column.
-- parameters: $column, $rows
-- guarantee:  what readers would see; NULL without rows, and where none has a value.
-- why:        a source that stands still is seen by its dates, and not by the number of rows.
SELECT MAX($column) FROM $rows
