-- purpose:    Drop staging tables.
-- parameters: $tables
-- guarantee:  no error for one that is gone already.
-- why:        SYNC, so that their space is free when this returns.
DROP TABLE IF EXISTS $tables SYNC
