-- purpose:    Put the batch's rejects beside its rows.
-- parameters: $staged, pipeline, batch, cut
-- guarantee:  part of the publishing transaction.
-- why:        a published batch has all its rejects.
INSERT INTO sluice.rejects
    (pipeline, batch, collection, "key", "column", reason, detail, raw_uri, "position", cut)
SELECT
    {pipeline:VARCHAR}, {batch:INTEGER}, collection, "key", "column", reason, detail, raw_uri, "position",
    {cut:TIMESTAMPTZ}
FROM $staged
