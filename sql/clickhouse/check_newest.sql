-- purpose:    The newest value of a column.
-- parameters: $at, $column, batch
-- guarantee:  what readers would see; NULL without rows, and where none has a value.
-- why:        a source that stands still is seen by its dates, and not by the number of rows.
SELECT max(toNullable($column))
FROM $at(batch = {batch:UInt32})
