CREATE TABLE "sluice"."batches" (
    "pipeline" character varying(127) NOT NULL,
    "batch" integer NOT NULL,
    "plan" character varying(64) NOT NULL,
    "kind" character varying(16) NOT NULL,
    "cut" timestamp with time zone NOT NULL,
    "cluster" bigint NOT NULL,
    "snapshot" boolean NOT NULL,
    "positions" character varying(65535) NOT NULL,
    "counts" character varying(65535) NOT NULL,
    "spec_hash" character varying(64) NOT NULL,
    "code_version" character varying(64) NOT NULL,
    "started_at" timestamp with time zone NOT NULL,
    "committed_at" timestamp with time zone NOT NULL
) COMPOUND SORTKEY ("pipeline", "batch");

CREATE TABLE "sluice"."checks" (
    "pipeline" character varying(127) NOT NULL,
    "plan" character varying(64) NOT NULL,
    "cut" timestamp with time zone NOT NULL,
    "table" character varying(127) NOT NULL,
    "name" character varying(1024) NOT NULL,
    "severity" character varying(16) NOT NULL,
    "failing" bigint NOT NULL,
    "samples" character varying(65535) NOT NULL,
    "checked_at" timestamp with time zone NOT NULL
) COMPOUND SORTKEY ("pipeline", "checked_at");

CREATE TABLE "sluice"."columns" (
    "pipeline" character varying(127) NOT NULL,
    "batch" integer NOT NULL,
    "collection" character varying(127) NOT NULL,
    "hash" character varying(16) NOT NULL,
    "columns" character varying(65535) NOT NULL
) COMPOUND SORTKEY ("pipeline", "batch");

CREATE TABLE "sluice"."drift" (
    "pipeline" character varying(127) NOT NULL,
    "collection" character varying(256) NOT NULL,
    "path" character varying(1024) NOT NULL,
    "types" character varying(1024) NOT NULL,
    "documents" bigint NOT NULL,
    "sample" character varying(1024) NOT NULL,
    "first_batch" integer NOT NULL,
    "batch" integer NOT NULL
) COMPOUND SORTKEY ("pipeline", "collection", "path");

CREATE TABLE "sluice"."gone" (
    "pipeline" character varying(127) NOT NULL,
    "collection" character varying(127) NOT NULL,
    "key" character varying(1024) NOT NULL,
    "batch" integer NOT NULL
) DISTKEY ("key") COMPOUND SORTKEY ("pipeline", "collection");

CREATE TABLE "sluice"."maintenance" (
    "at" timestamp with time zone NOT NULL,
    "pipeline" character varying(127) NOT NULL,
    "kind" character varying(16) NOT NULL,
    "action" character varying(64) NOT NULL,
    "target" character varying(2048) NOT NULL,
    "reason" character varying(2048) NOT NULL,
    "did" character varying(2048) NOT NULL,
    "rows_before" bigint,
    "rows_after" bigint,
    "bytes_before" bigint,
    "bytes_after" bigint,
    "objects_before" bigint,
    "objects_after" bigint,
    "seconds" double precision NOT NULL,
    "dry_run" boolean NOT NULL,
    "error" character varying(4096) NOT NULL
) COMPOUND SORTKEY ("pipeline", "at");

CREATE TABLE "sluice"."migrations" (
    "version" integer NOT NULL,
    "name" character varying(256) NOT NULL,
    "checksum" character varying(64) NOT NULL,
    "statement" integer NOT NULL,
    "state" character varying(16) NOT NULL,
    "applied_at" timestamp with time zone NOT NULL,
    "duration" double precision NOT NULL
) COMPOUND SORTKEY ("version", "statement");

CREATE TABLE "sluice"."rejects" (
    "pipeline" character varying(127) NOT NULL,
    "batch" integer NOT NULL,
    "collection" character varying(256) NOT NULL,
    "key" character varying(1024),
    "column" character varying(512),
    "reason" character varying(256),
    "detail" character varying(65535),
    "raw_uri" character varying(2048),
    "position" bigint,
    "cut" timestamp with time zone NOT NULL,
    "hash" bigint
) COMPOUND SORTKEY ("pipeline", "batch");

CREATE TABLE "sluice"."settled_rejects" (
    "pipeline" character varying(127) NOT NULL,
    "batch" integer NOT NULL,
    "collection" character varying(256) NOT NULL,
    "key" character varying(1024) NOT NULL,
    "hash" bigint NOT NULL,
    "rejected" integer NOT NULL,
    "outcome" character varying(16) NOT NULL,
    "who" character varying(256) NOT NULL,
    "why" character varying(4096) NOT NULL,
    "settled_at" timestamp with time zone NOT NULL
) COMPOUND SORTKEY ("pipeline", "batch");
