-- purpose:    Give a table another name.
-- parameters: $table, $name
-- guarantee:  seen with the transaction's commit.
-- why:        the rows stay where they are.
ALTER TABLE $table RENAME TO $name
