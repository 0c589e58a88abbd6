-- purpose:    Try whether rows may be changed.
-- parameters: $table
-- guarantee:  changes a table of the probe's own.
-- why:        closing a version is an ALTER … UPDATE, a right that INSERT and CREATE do not bring.
ALTER TABLE $table
UPDATE hash = 1 WHERE key = 'probe'
