-- purpose: what the maintenance DAGs did, why, and what that saved.
-- why:     rows, bytes and objects (objects on S3) stay NULL where the work does not change them.

CREATE TABLE IF NOT EXISTS sluice.maintenance
(
    at             TIMESTAMPTZ NOT NULL DEFAULT SYSDATE,
    pipeline       VARCHAR(127) NOT NULL,
    kind           VARCHAR(16) NOT NULL,
    action         VARCHAR(64) NOT NULL,
    target         VARCHAR(2048) NOT NULL,
    reason         VARCHAR(2048) NOT NULL,
    did            VARCHAR(2048) NOT NULL,
    rows_before    BIGINT,
    rows_after     BIGINT,
    bytes_before   BIGINT,
    bytes_after    BIGINT,
    objects_before BIGINT,
    objects_after  BIGINT,
    seconds        DOUBLE PRECISION NOT NULL,
    dry_run        BOOLEAN NOT NULL,
    error          VARCHAR(4096) NOT NULL
)
DISTSTYLE EVEN COMPOUND SORTKEY (pipeline, at);
