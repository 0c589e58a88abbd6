-- purpose:    Delete the rejects of this batch and of earlier ones.
-- parameters: pipeline, batch
-- guarantee:  part of a transaction that holds the lock on sluice.batches.
-- why:        a publisher leaves out a reject that is there already: gone in that moment, it would be nowhere.
DELETE FROM sluice.rejects
WHERE pipeline = {pipeline:VARCHAR(127)} AND batch <= {batch:INTEGER}
