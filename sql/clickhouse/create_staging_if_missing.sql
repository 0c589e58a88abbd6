-- purpose:    The name under which publish finds what was staged, for exchange_tables to fill.
-- parameters: $staging, $definitions, $order
-- guarantee:  left alone when an earlier attempt made it.
-- why:        two tables are exchanged in one step; one cannot be renamed over another.
CREATE TABLE IF NOT EXISTS $staging ($definitions)
ENGINE = MergeTree
ORDER BY ($order)
