-- purpose:    Try whether a table may be altered.
-- parameters: $table
-- guarantee:  changes a table of the probe's own.
-- why:        migrations alter the tables of pipelines.
ALTER TABLE $table DROP COLUMN _from
