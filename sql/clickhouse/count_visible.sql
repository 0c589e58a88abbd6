-- purpose:    Rows that readers saw at a batch.
-- parameters: $at, batch
-- guarantee:  exact, until it is purged.
-- why:        a comparison says how much it has compared.
SELECT count()
FROM $at(batch = {batch:UInt32})
