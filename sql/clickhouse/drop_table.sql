-- purpose:    Drop a staging table.
-- parameters: $table
-- guarantee:  no error when it is gone already.
-- why:        SYNC, so that its space is free when this returns.
DROP TABLE IF EXISTS $table SYNC
