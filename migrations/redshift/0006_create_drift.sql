-- purpose: what documents have that no column declares, and under which columns rows were written.

-- A row a path.
CREATE TABLE IF NOT EXISTS sluice.drift
(
    pipeline    VARCHAR(127) NOT NULL,
    collection  VARCHAR(256) NOT NULL,
    path        VARCHAR(1024) NOT NULL,
    types       VARCHAR(1024) NOT NULL,
    documents   BIGINT NOT NULL,
    sample      VARCHAR(1024) NOT NULL,
    first_batch INTEGER NOT NULL,
    batch       INTEGER NOT NULL
)
DISTSTYLE ALL COMPOUND SORTKEY (pipeline, collection, path);

-- A row for each batch from which on a collection's columns were others.
CREATE TABLE IF NOT EXISTS sluice.columns
(
    pipeline   VARCHAR(127) NOT NULL,
    batch      INTEGER NOT NULL,
    collection VARCHAR(127) NOT NULL,
    hash       VARCHAR(16) NOT NULL,
    columns    VARCHAR(65535) NOT NULL
)
DISTSTYLE ALL COMPOUND SORTKEY (pipeline, batch);
