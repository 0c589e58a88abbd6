-- purpose:    A table for the rejects of one plan.
-- parameters: $staged
-- guarantee:  empty.
-- why:        rejects are read from S3 before the publishing transaction, which holds a lock and has to be short.
CREATE TABLE $staged
(
    collection VARCHAR(256), "key" VARCHAR(1024), "column" VARCHAR(512), reason VARCHAR(256),
    detail VARCHAR(65535), raw_uri VARCHAR(2048), "position" BIGINT, hash BIGINT, turn SMALLINT
)
