-- purpose:    Give up a mutation that fails again and again, as when its staging table is gone.
-- parameters: database, table, mutation
-- guarantee:  what it had changed so far stays, and is undone by the recovery that follows.
-- why:        it would block every later change of the table.
KILL MUTATION
WHERE database = {database:String} AND table = {table:String} AND mutation_id = {mutation:String}
SYNC
