-- purpose:    Delete the rejects of this batch and of earlier ones that were settled by then.
-- parameters: $quarantine, pipeline, batch
-- guarantee:  part of a transaction that holds the lock on sluice.batches. Never an open one: nothing else says that its
--             document is not as it should be. Nor one that somebody dropped: the document, rejected again as it was,
--             would be open.
-- why:        a publisher leaves out a reject that is there already: gone in that moment, it would be nowhere.
DELETE FROM sluice.rejects
USING $quarantine AS quarantine
WHERE sluice.rejects.pipeline = {pipeline:VARCHAR(127)} AND sluice.rejects.batch <= {batch:INTEGER}
    AND quarantine.settled_by <= {batch:INTEGER}
    AND NOT (quarantine.newest AND quarantine.state IN ('open', 'dropped'))
    AND quarantine.batch = sluice.rejects.batch
    AND quarantine.collection = sluice.rejects.collection AND quarantine."key" = sluice.rejects."key"
    AND quarantine.hash = COALESCE(sluice.rejects.hash, 0)
