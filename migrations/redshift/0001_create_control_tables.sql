-- purpose: Sluice's own state (I8): what was migrated, what was published.
-- why:     every statement may run twice, because the table whose lock keeps a second runner out is made here.

CREATE SCHEMA IF NOT EXISTS sluice;

-- A row for each statement of each migration; one more before those that no transaction takes.
CREATE TABLE IF NOT EXISTS sluice.migrations
(
    version    INTEGER NOT NULL,
    name       VARCHAR(256) NOT NULL,
    checksum   VARCHAR(64) NOT NULL,
    statement  INTEGER NOT NULL,
    state      VARCHAR(16) NOT NULL,
    applied_at TIMESTAMPTZ NOT NULL DEFAULT GETDATE(),
    duration   DOUBLE PRECISION NOT NULL
)
DISTSTYLE ALL COMPOUND SORTKEY (version, statement);

-- The commit record. On every node: publish joins it with what it replaces.
CREATE TABLE IF NOT EXISTS sluice.batches
(
    pipeline     VARCHAR(127) NOT NULL,
    batch        INTEGER NOT NULL,
    plan         VARCHAR(64) NOT NULL,
    kind         VARCHAR(16) NOT NULL,
    cut          TIMESTAMPTZ NOT NULL,
    cluster      BIGINT NOT NULL,
    snapshot     BOOLEAN NOT NULL,
    positions    VARCHAR(65535) NOT NULL,
    counts       VARCHAR(65535) NOT NULL,
    spec_hash    VARCHAR(64) NOT NULL,
    code_version VARCHAR(64) NOT NULL,
    started_at   TIMESTAMPTZ NOT NULL,
    committed_at TIMESTAMPTZ NOT NULL DEFAULT GETDATE()
)
DISTSTYLE ALL COMPOUND SORTKEY (pipeline, batch);
