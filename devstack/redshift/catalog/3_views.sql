-- Redshift's system tables and views, as far as the stand-in has them.

CREATE VIEW pg_catalog.stl_load_errors AS SELECT * FROM standin.load_errors;
CREATE VIEW pg_catalog.stl_replacements AS SELECT * FROM standin.replacements;
CREATE VIEW pg_catalog.stl_load_commits AS SELECT * FROM standin.load_commits;
CREATE VIEW pg_catalog.stl_vacuum AS SELECT * FROM standin.vacuums;
CREATE VIEW pg_catalog.stl_tr_conflict AS SELECT * FROM standin.conflicts;
CREATE VIEW pg_catalog.sys_load_history AS SELECT * FROM standin.load_history;
CREATE VIEW pg_catalog.sys_load_error_detail AS
SELECT
    userid AS user_id, query AS query_id, 0::bigint AS transaction_id, session AS session_id,
    current_database()::text AS database_name, tbl AS table_id, starttime AS start_time, filename AS file_name,
    line_number, colname AS column_name, type AS column_type, col_length AS column_length, position,
    err_code AS error_code, err_reason AS error_message
FROM standin.load_errors;

-- Redshift has no indexes, and those of the stand-in are its own.
CREATE OR REPLACE VIEW pg_catalog.pg_indexes AS
SELECT n.nspname AS schemaname, t.relname AS tablename, i.relname AS indexname, NULL::name AS tablespace,
    pg_get_indexdef(i.oid) AS indexdef
FROM pg_index x
INNER JOIN pg_class t ON t.oid = x.indrelid
INNER JOIN pg_class i ON i.oid = x.indexrelid
INNER JOIN pg_namespace n ON n.oid = t.relnamespace
WHERE n.nspname = 'pg_catalog';

-- Distribution and sort keys as they were said; without a word of it, AUTO.
CREATE VIEW standin.tables AS
SELECT
    c.oid AS relation, n.nspname::text AS schema, c.relname::text AS name, said,
    CASE said->>'diststyle' WHEN 'KEY' THEN 'KEY(' || (said->>'distkey') || ')'
        WHEN 'AUTO' THEN 'AUTO(ALL)' ELSE coalesce(said->>'diststyle', 'AUTO(ALL)') END AS diststyle,
    jsonb_array_length(coalesce(said->'sortkey', '[]')) AS sortkeys
FROM pg_class c
INNER JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL standin.attributes(c.oid) AS said
WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'standin', 'pg_toast');

CREATE VIEW standin.columns AS
SELECT
    t.relation, t.schema, t.name AS "table", a.attname::text AS name, a.attnum AS place,
    format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS required,
    coalesce(a.attname = t.said->>'distkey', false) AS distkey,
    coalesce((SELECT k.place::integer FROM jsonb_array_elements_text(t.said->'sortkey') WITH ORDINALITY AS k(name, place)
        WHERE k.name = a.attname), 0) AS sortkey,
    t.said->'encodings'->>a.attname AS encoding
FROM standin.tables t
INNER JOIN pg_attribute a ON a.attrelid = t.relation AND a.attnum > 0 AND NOT a.attisdropped;

CREATE VIEW pg_catalog.pg_table_def AS
SELECT
    schema::name AS schemaname, "table"::name AS tablename, name::name AS "column", type::character(128) AS type,
    coalesce(encoding, CASE
        WHEN sortkey > 0 OR type IN ('boolean', 'real', 'double precision') THEN 'none'
        WHEN type LIKE 'character%' THEN 'lzo'
        WHEN type = 'super' THEN 'zstd'
        ELSE 'az64' END)::character(32) AS encoding,
    distkey, sortkey, required AS "notnull"
FROM standin.columns
WHERE schema = ANY (current_schemas(true));

-- r_PG_CLASS_INFO, as far as it is asked for.
CREATE VIEW pg_catalog.pg_class_info AS
SELECT
    oid AS reloid, relname, relnamespace, relowner, relkind,
    (standin.attributes(oid)->>'created')::timestamp AS relcreationtime
FROM pg_class;

-- From PostgreSQL's own counters, with its automatic vacuum off.
-- SVV_REDSHIFT_COLUMNS: as PG_TABLE_DEF, of every schema.
CREATE VIEW pg_catalog.svv_redshift_columns AS
SELECT
    current_database()::text AS database_name, schema AS schema_name, "table" AS table_name, name AS column_name,
    row_number() OVER (PARTITION BY relation ORDER BY place)::integer AS ordinal_position, type AS data_type,
    NULL::text AS column_default, CASE WHEN required THEN 'NO' ELSE 'YES' END AS is_nullable,
    coalesce(encoding, 'none') AS encoding, distkey, sortkey, NULL::text AS column_acl, NULL::text AS remarks
FROM standin.columns;
CREATE VIEW pg_catalog.svv_table_info AS
SELECT
    current_database()::text AS database, t.schema, t.relation AS table_id, t.name AS "table",
    CASE WHEN t.said ? 'encodings' THEN 'Y' ELSE 'Y, AUTO(ENCODE)' END AS encoded, t.diststyle,
    coalesce(t.said->'sortkey'->>0, 'AUTO(SORTKEY)') AS sortkey1,
    (SELECT max(a.atttypmod - 4) FROM pg_attribute a
        WHERE a.attrelid = t.relation AND a.atttypid = 'varchar'::regtype AND a.attnum > 0) AS max_varchar,
    NULL::character(32) AS sortkey1_enc, t.sortkeys AS sortkey_num,
    pg_table_size(t.relation) / 1048576 + 1 AS size, 0::numeric(10, 4) AS pct_used, 0::bigint AS empty,
    u.percent::numeric(5, 2) AS unsorted,
    round(least(100, 100.0 * s.n_mod_since_analyze / greatest(s.n_live_tup, 1)), 2)::numeric(5, 2) AS stats_off,
    (s.n_live_tup + s.n_dead_tup)::numeric(38, 0) AS tbl_rows,
    NULL::numeric(19, 2) AS skew_sortkey1, NULL::numeric(19, 2) AS skew_rows,
    s.n_live_tup::numeric(38, 0) AS estimated_visible_rows, NULL::text AS risk_event,
    -- The most that it can be: a scan that need not look at what is unsorted.
    u.percent::numeric(12, 2) AS vacuum_sort_benefit, NULL::timestamp AS create_time
FROM standin.tables t
INNER JOIN pg_stat_all_tables s ON s.relid = t.relation
CROSS JOIN LATERAL
(
    SELECT CASE WHEN t.sortkeys > 0 THEN round(least(100, greatest(0, 100.0 * (s.n_ins_since_vacuum
        + coalesce((SELECT "rows" FROM standin.unsorted WHERE relation = t.relation), 0)) / greatest(s.n_live_tup, 1))), 2) END
) AS u (percent)
WHERE s.n_live_tup + s.n_dead_tup > 0;

CREATE VIEW pg_catalog.svv_columns AS
SELECT
    table_catalog::text, table_schema::text, table_name::text, column_name::text, ordinal_position::integer,
    column_default::text, is_nullable::text,
    CASE domain_name WHEN 'super' THEN 'super' ELSE data_type END::text AS data_type,
    character_maximum_length::integer, numeric_precision::integer, numeric_scale::integer,
    datetime_precision::integer, NULL::text AS remarks
FROM information_schema.columns
WHERE table_schema NOT IN ('pg_catalog', 'information_schema', 'standin');
CREATE VIEW pg_catalog.svv_tables AS
SELECT table_catalog::text, table_schema::text, table_name::text, table_type::text, NULL::text AS remarks
FROM information_schema.tables;
CREATE VIEW pg_catalog.svv_all_columns AS
SELECT
    table_catalog AS database_name, table_schema AS schema_name, table_name, column_name, ordinal_position,
    column_default, is_nullable, data_type, character_maximum_length, numeric_precision, numeric_scale, remarks
FROM svv_columns;
CREATE VIEW pg_catalog.svv_all_tables AS
SELECT table_catalog AS database_name, table_schema AS schema_name, table_name, table_type, remarks FROM svv_tables;
-- Redshift has three modes of locks on tables.
CREATE VIEW pg_catalog.svv_transactions AS
SELECT
    a.usename::text AS txn_owner, a.datname::text AS txn_db, l.virtualtransaction::text AS xid, l.pid,
    a.xact_start AT TIME ZONE 'UTC' AS txn_start,
    CASE WHEN l.mode IN ('AccessShareLock', 'RowShareLock') THEN 'AccessShareLock'
        WHEN l.mode = 'AccessExclusiveLock' THEN l.mode ELSE 'ShareRowExclusiveLock' END AS lock_mode,
    l.locktype::text AS lockable_object_type, l.relation::integer AS relation, l.granted
FROM pg_locks l
INNER JOIN pg_stat_activity a ON a.pid = l.pid
INNER JOIN standin.tables t ON t.relation = l.relation
WHERE l.locktype = 'relation';
CREATE VIEW pg_catalog.stv_db_isolation_level AS
SELECT oid::integer AS db_id, datname::text AS db_name, current_setting('redshift.isolation', true) AS isolation_level
FROM pg_database;
CREATE VIEW pg_catalog.stv_tbl_perm AS
SELECT 0 AS slice, c.oid::integer AS id, c.relname::character(72) AS name, c.reltuples::bigint AS rows
FROM pg_class c
WHERE c.relkind = 'r';

GRANT SELECT ON
    stl_load_errors, stl_replacements, stl_load_commits, stl_vacuum, stl_tr_conflict, sys_load_history,
    sys_load_error_detail, pg_table_def, svv_table_info, svv_columns, svv_tables, svv_all_columns, svv_all_tables,
    svv_redshift_columns, svv_transactions, stv_db_isolation_level, stv_tbl_perm, pg_class_info
TO public;
GRANT USAGE ON SCHEMA standin TO public;
GRANT SELECT ON ALL TABLES IN SCHEMA standin TO public;
