-- purpose:    Stage keys that were asked for again.
-- parameters: $asked, $rows
-- guarantee:  all rows or none.
-- why:        many rows a statement: one at a time takes a cluster many seconds.
INSERT INTO $asked VALUES $rows
