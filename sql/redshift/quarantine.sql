-- purpose:    Every reject of a pipeline, and what became of it. Stands inside other statements.
-- parameters: pipeline
-- guarantee:  one row a reject. state: open; published, gone or dropped, as sluice.settled_rejects says; again, when the
--             document was rejected at a later cut, as something else. newest: the last reject of its document.
-- why:        derived, so that rejects and what readers see are of one commit (I8), and nothing has to be changed or
--             deleted. Without a key, its hash says which document it is.
SELECT
    found.collection, found."key", found."column", found.reason, found.detail, found.raw_uri, found."position",
    found.batch, found.cut, found._hash AS hash, found._place = 1 AS newest,
    CASE
        WHEN settled.outcome IS NOT NULL THEN settled.outcome
        WHEN found._place = 1 THEN 'open'
        ELSE 'again'
    END AS state,
    COALESCE(settled.batch, 0) AS settled_by, COALESCE(settled.who, '') AS who, COALESCE(settled.why, '') AS why,
    settled.settled_at
FROM
(
    SELECT
        *,
        COALESCE(hash, 0) AS _hash,
        ROW_NUMBER() OVER
        (
            PARTITION BY collection, "key", CASE WHEN "key" = '' THEN hash END
            ORDER BY cut DESC, batch DESC, "position" DESC, raw_uri
        ) AS _place
    FROM sluice.rejects
    WHERE pipeline = {pipeline:VARCHAR(127)}
) AS found
LEFT JOIN
(
    SELECT
        *,
        ROW_NUMBER() OVER (PARTITION BY collection, "key", hash, rejected ORDER BY settled_at DESC) AS _place
    FROM sluice.settled_rejects
    WHERE pipeline = {pipeline:VARCHAR(127)}
) AS settled
    ON settled._place = 1 AND settled.collection = found.collection AND settled."key" = found."key"
        AND settled.hash = found._hash AND settled.rejected = found.batch
