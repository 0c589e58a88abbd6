-- purpose:    The database that analysts read.
-- parameters: $database
-- guarantee:  left alone when it exists.
-- why:        Atomic, so that a view is replaced in one step.
CREATE DATABASE IF NOT EXISTS $database
ENGINE = Atomic
