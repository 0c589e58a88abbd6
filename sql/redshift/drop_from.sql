-- purpose:    Take the batch number's column out of a staging table.
-- parameters: $staging
-- guarantee:  the table's columns are those of a landed part.
-- why:        LIKE copies it, it takes no null, and no part has it: the number is given at publish.
ALTER TABLE $staging DROP COLUMN _from
