-- purpose:    A table to try rights on.
-- parameters: $table
-- guarantee:  empty.
-- why:        what may be done to it may be done to staging and storage.
CREATE TABLE $table ("key" VARCHAR(16) NOT NULL, _from INTEGER)
