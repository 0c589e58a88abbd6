-- purpose:    One table for what a plan landed.
-- parameters: $staging, $definitions, $order
-- guarantee:  empty; in the order of the key, so that repeated keys are found with little memory.
-- why:        each attempt fills a table of its own, so that a sleeper that wakes up cannot add rows to another's.
CREATE OR REPLACE TABLE $staging ($definitions)
ENGINE = MergeTree
ORDER BY ($order)
