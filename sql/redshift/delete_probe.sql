-- purpose:    Try to delete.
-- parameters: $table
-- guarantee:  no row is left.
-- why:        publish does.
DELETE FROM $table
