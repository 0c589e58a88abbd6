-- purpose:    A table of the staged keys that the master knows, with what becomes of each.
-- parameters: $compared, $type
-- guarantee:  empty, and this attempt's own.
-- why:        shared between attempts, a sleeper that wakes up could empty it under its successor, which would then
--             publish what it must skip (I4).
CREATE OR REPLACE TABLE $compared
(
    slice UInt16, key $type, fate Enum8('superseded' = 1, 'unchanged' = 2, 'replaced' = 3)
)
ENGINE = MergeTree
ORDER BY (slice, key)
