-- purpose:    Vacuum one table.
-- parameters: $mode, $table, $threshold
-- guarantee:  readers see the same before and after. Refused inside a transaction, and while another VACUUM runs.
-- why:        the only way to give back the room of deleted rows, and to sort what was added.
VACUUM $mode $table$threshold
