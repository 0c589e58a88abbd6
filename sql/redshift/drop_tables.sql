-- purpose:    Drop staging tables.
-- parameters: $tables
-- guarantee:  a table that is already gone is no error.
-- why:        dropping is repeated after a crash.
DROP TABLE IF EXISTS $tables
