-- purpose:    Put the batch's rejects beside its rows.
-- parameters: $staged, $quarantine, pipeline, batch, cut
-- guarantee:  part of the publishing transaction. A document that is rejected as it was when last rejected is not put
--             there again, as long as that is open or dropped.
-- why:        a published batch has all its rejects. A document without a usable modified date is read in every batch.
--             Without a key, its hash says which one it is.
INSERT INTO sluice.rejects
    (pipeline, batch, collection, "key", "column", reason, detail, raw_uri, "position", cut, hash)
SELECT
    {pipeline:VARCHAR(127)}, {batch:INTEGER}, staged.collection, staged."key", staged."column", staged.reason,
    staged.detail, staged.raw_uri, staged."position", {cut:TIMESTAMPTZ}, staged.hash
FROM $staged AS staged
LEFT JOIN $quarantine AS known
    ON known.newest AND known.state IN ('open', 'dropped')
        AND known.collection = staged.collection AND known."key" = staged."key"
        AND known."column" = staged."column" AND known.reason = staged.reason AND known.hash = staged.hash
WHERE known.collection IS NULL
