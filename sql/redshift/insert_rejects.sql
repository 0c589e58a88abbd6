-- purpose:    Put the batch's rejects beside its rows.
-- parameters: $staged, pipeline, batch, cut
-- guarantee:  part of the publishing transaction. A document that is rejected as it was when last rejected is not put
--             there again.
-- why:        a published batch has all its rejects. A document without a usable modified date is read in every batch.
--             Without a key, its hash says which one it is.
INSERT INTO sluice.rejects
    (pipeline, batch, collection, "key", "column", reason, detail, raw_uri, "position", cut, hash)
SELECT
    {pipeline:VARCHAR(127)}, {batch:INTEGER}, staged.collection, staged."key", staged."column", staged.reason,
    staged.detail, staged.raw_uri, staged."position", {cut:TIMESTAMPTZ}, staged.hash
FROM $staged AS staged
LEFT JOIN
    (
        SELECT
            collection, "key", "column", reason, hash,
            ROW_NUMBER() OVER
            (
                PARTITION BY collection, "key", CASE WHEN "key" = '' THEN hash END
                ORDER BY batch DESC, "position" DESC
            ) AS _place
        FROM sluice.rejects
        WHERE pipeline = {pipeline:VARCHAR(127)} AND "key" IN (SELECT "key" FROM $staged)
    ) AS known
    ON known._place = 1 AND known.collection = staged.collection AND known."key" = staged."key"
        AND known."column" = staged."column" AND known.reason = staged.reason AND known.hash = staged.hash
WHERE known.collection IS NULL
