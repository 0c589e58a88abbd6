-- purpose:    Every reject of a pipeline's published batches, and what became of it. Stands inside other statements.
-- parameters: pipeline
-- guarantee:  one row a reject. state: open; published, gone or dropped, as sluice.settled_rejects says; again, when the
--             document was rejected at a later cut, as something else. newest: the last reject of its document.
-- why:        derived, so that rejects and what readers see are of one commit (I8), and nothing has to be changed or
--             deleted. Without a key, its hash says which document it is.
SELECT
    found.collection AS collection, found.key AS key, found.column AS column, found.reason AS reason,
    found.detail AS detail, found.raw_uri AS raw_uri, found.position AS position, found.batch AS batch,
    found.cut AS cut, found.hash AS hash, found.place = 1 AS newest,
    multiIf(settled.outcome != '', settled.outcome, found.place = 1, 'open', 'again') AS state,
    settled.batch AS settled_by, settled.who AS who, settled.why AS why,
    if(settled.outcome != '', settled.settled_at, NULL) AS settled_at
FROM
(
    SELECT
        *,
        row_number() OVER
        (
            PARTITION BY collection, key, if(key = '', hash, 0) ORDER BY cut DESC, batch DESC, position DESC, raw_uri
        ) AS place
    FROM sluice.rejects
    WHERE pipeline = {pipeline:String}
        AND batch <= (SELECT max(batch) FROM sluice.batches WHERE pipeline = {pipeline:String})
) AS found
LEFT JOIN
(
    SELECT *
    FROM sluice.settled_rejects
    WHERE pipeline = {pipeline:String}
        AND batch <= (SELECT max(batch) FROM sluice.batches WHERE pipeline = {pipeline:String})
    ORDER BY settled_at DESC
    LIMIT 1 BY collection, key, hash, rejected
) AS settled
    ON settled.collection = found.collection AND settled.key = found.key AND settled.hash = found.hash
        AND settled.rejected = found.batch
