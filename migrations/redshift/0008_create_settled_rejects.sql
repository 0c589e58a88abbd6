-- purpose: what became of rejects: which batch read their document again, or who dropped them and why.
-- why:     beside sluice.rejects, of which nothing is changed or deleted.

-- rejected: the batch of the reject. batch: the one that settled it, 0 where a person did.
CREATE TABLE IF NOT EXISTS sluice.settled_rejects
(
    pipeline   VARCHAR(127) NOT NULL,
    batch      INTEGER NOT NULL,
    collection VARCHAR(256) NOT NULL,
    "key"      VARCHAR(1024) NOT NULL,
    hash       BIGINT NOT NULL,
    rejected   INTEGER NOT NULL,
    outcome    VARCHAR(16) NOT NULL,
    who        VARCHAR(256) NOT NULL,
    why        VARCHAR(4096) NOT NULL,
    settled_at TIMESTAMPTZ NOT NULL DEFAULT GETDATE()
)
DISTSTYLE EVEN COMPOUND SORTKEY (pipeline, batch);
