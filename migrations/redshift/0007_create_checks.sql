-- purpose: what the checks of pipeline files found, also of batches that they stopped.

CREATE TABLE IF NOT EXISTS sluice.checks
(
    pipeline   VARCHAR(127) NOT NULL,
    plan       VARCHAR(64) NOT NULL,
    cut        TIMESTAMPTZ NOT NULL,
    "table"    VARCHAR(127) NOT NULL,
    name       VARCHAR(1024) NOT NULL,
    severity   VARCHAR(16) NOT NULL,
    failing    BIGINT NOT NULL,
    samples    VARCHAR(65535) NOT NULL,
    checked_at TIMESTAMPTZ NOT NULL DEFAULT GETDATE()
)
DISTSTYLE EVEN COMPOUND SORTKEY (pipeline, checked_at);
