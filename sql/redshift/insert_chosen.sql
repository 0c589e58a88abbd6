-- purpose:    Put the chosen rows back into staging.
-- parameters: $staging, $once, $columns
-- guarantee:  one row a key again.
-- why:        see insert_once.
INSERT INTO $staging ($columns)
SELECT $columns FROM $once
