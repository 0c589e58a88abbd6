-- purpose:    How many notes are there of what became of rejects that are gone, or are due?
-- parameters: $quarantine, pipeline, batch
-- guarantee:  what delete_old_settled deletes, after delete_old_rejects.
-- why:        a dry run says so.
SELECT COUNT(*)
FROM sluice.settled_rejects AS note
LEFT JOIN $quarantine AS kept
    ON kept.batch = note.rejected AND kept.collection = note.collection AND kept."key" = note."key"
        AND kept.hash = note.hash
        AND (kept.settled_by > {batch:INTEGER} OR kept.newest AND kept.state IN ('open', 'dropped'))
WHERE note.pipeline = {pipeline:VARCHAR(127)} AND note.rejected <= {batch:INTEGER} AND kept.batch IS NULL
