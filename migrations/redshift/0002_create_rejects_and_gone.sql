-- purpose: what could not be conformed or loaded, by batch (I7); which keys are gone, and since when (I4).

-- The raw document stays on S3 at raw_uri, as its position-th.
CREATE TABLE IF NOT EXISTS sluice.rejects
(
    pipeline   VARCHAR(127) NOT NULL,
    batch      INTEGER NOT NULL,
    collection VARCHAR(256) NOT NULL,
    "key"      VARCHAR(1024),
    "column"   VARCHAR(512),
    reason     VARCHAR(256),
    detail     VARCHAR(65535),
    raw_uri    VARCHAR(2048),
    "position" BIGINT,
    cut        TIMESTAMPTZ NOT NULL
)
DISTSTYLE EVEN COMPOUND SORTKEY (pipeline, batch);

-- One row a key that a batch ended: a batch of an older cut must not bring it back.
CREATE TABLE IF NOT EXISTS sluice.gone
(
    pipeline   VARCHAR(127) NOT NULL,
    collection VARCHAR(127) NOT NULL,
    "key"      VARCHAR(1024) NOT NULL,
    batch      INTEGER NOT NULL
)
DISTSTYLE KEY DISTKEY ("key") COMPOUND SORTKEY (pipeline, collection);
