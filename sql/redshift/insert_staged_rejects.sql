-- purpose:    Stage rejects.
-- parameters: $staged, $rows
-- guarantee:  all rows or none.
-- why:        many rows a statement: one at a time takes a cluster many seconds.
INSERT INTO $staged VALUES $rows
