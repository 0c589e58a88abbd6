-- Where the stand-in keeps what PostgreSQL has no place for. Everything here is made once, in one transaction.
SET allow_system_table_mods = on;
SET client_min_messages = error;
CREATE SCHEMA standin;
CREATE TABLE standin.version (hash text NOT NULL);

-- Written in the client's transaction, with the table that it is about.
CREATE TABLE standin.attributes (relation oid PRIMARY KEY, said jsonb NOT NULL);

-- Rows of a table that are unsorted beside those inserted since PostgreSQL's last VACUUM; fewer than 0: sorted without one.
CREATE TABLE standin.unsorted (relation oid PRIMARY KEY, "rows" bigint NOT NULL);

-- Written by a session of the stand-in's own: a client's ROLLBACK does not take it back.
CREATE SEQUENCE standin.query_id START 1001;
CREATE TABLE standin.load_errors
(
    userid integer, slice integer, tbl integer, starttime timestamp, session integer, query bigint,
    filename character(256), line_number bigint, colname character(127), type character(10), col_length character(10),
    position integer, raw_line character(1024), raw_field_value character(1024), err_code integer,
    err_reason character(100), is_partial integer, start_offset bigint, copy_job_id bigint
);
CREATE TABLE standin.replacements
(
    userid integer, query bigint, slice integer, tbl integer, starttime timestamp, session integer,
    filename character(256), line_number bigint, colname character(127), raw_line character(1024)
);
CREATE TABLE standin.load_commits
(
    userid integer, query bigint, slice integer, name character(256), filename character(256), byte_offset integer,
    lines_scanned bigint, errors integer, curtime timestamp, status integer, file_format character(16)
);
CREATE TABLE standin.load_history
(
    user_id integer, query_id bigint, transaction_id bigint, session_id integer, database_name text, status text,
    table_name text, start_time timestamp, end_time timestamp, duration bigint, data_source text, file_format text,
    loaded_rows bigint, source_file_count integer, error_count bigint
);
CREATE TABLE standin.vacuums
(
    userid integer, xid bigint, table_id integer, status character(30), "rows" bigint, sortedrows integer,
    blocks integer, max_merge_partitions integer, eventtime timestamp
);
CREATE TABLE standin.conflicts
(
    xact_id bigint, process_id integer, xact_start_ts timestamp, abort_time timestamp, table_id bigint
);
CREATE DOMAIN pg_catalog.super AS jsonb;
