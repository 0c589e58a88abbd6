-- purpose:    Let one publisher in at a time.
-- parameters: none
-- guarantee:  held to the end of the transaction; released with the session when its owner dies.
-- why:        the transaction's first statement: its snapshot is taken after it, and so shows all that earlier publishers
--             committed. Taken later, the snapshot is older than the lock, and the cluster answers with error 1023.
LOCK sluice.batches
