-- What the front calls.

CREATE FUNCTION standin.attributes(relation oid) RETURNS jsonb LANGUAGE sql STABLE SECURITY DEFINER AS
$$ SELECT coalesce((SELECT said FROM standin.attributes a WHERE a.relation = $1), '{}') $$;

-- After CREATE and ALTER TABLE: VARCHAR(n) and CHAR(n) are n bytes, and what is said of keys and encodings is kept.
CREATE FUNCTION standin.settle(target text, said jsonb, source text, careful boolean) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    mine oid := target::regclass;
    inherited jsonb := CASE WHEN source = '' THEN '{}' ELSE standin.attributes(source::regclass) END;
    c record;
BEGIN
    IF careful AND EXISTS (SELECT FROM standin.attributes a WHERE a.relation = mine) THEN RETURN; END IF;
    FOR c IN SELECT value FROM jsonb_array_elements_text(said->'required') LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET NOT NULL', target, c.value);
    END LOOP;
    FOR c IN
        SELECT attname, atttypid::regtype AS type, atttypmod - 4 AS length,
            format('redshift_bytes_%s_%s_%s', atttypid, atttypmod - 4, attnum) AS wanted,
            (SELECT conname FROM pg_constraint WHERE conrelid = a.attrelid AND conkey = ARRAY[attnum]
                AND conname LIKE 'redshift\\_bytes\\_%') AS present
        FROM pg_attribute a
        WHERE attrelid = mine AND attnum > 0 AND NOT attisdropped
    LOOP
        CONTINUE WHEN c.present = c.wanted;
        IF c.present IS NOT NULL THEN EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', target, c.present); END IF;
        CONTINUE WHEN c.type NOT IN ('varchar'::regtype, 'bpchar'::regtype) OR c.length <= 0;
        EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I CHECK (octet_length(%I) <= %s)',
            target, c.wanted, c.attname, c.length);
    END LOOP;
    said := jsonb_build_object('created', getdate()) || (inherited - 'created') || coalesce((SELECT a.said FROM standin.attributes a WHERE a.relation = mine), '{}')
        || (said - 'required');
    INSERT INTO standin.attributes VALUES (mine, said)
    ON CONFLICT ON CONSTRAINT attributes_pkey DO UPDATE SET said = excluded.said;
END $$;

-- ALTER COLUMN TYPE: a late-bound view does not mind. Here it is bound, and so made again, with its comment and rights.
CREATE FUNCTION standin.retype(target text, col text, type text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    views jsonb := (
        SELECT coalesce(jsonb_agg(DISTINCT jsonb_build_object('name', c.oid::regclass, 'body', pg_get_viewdef(c.oid),
            'comment', obj_description(c.oid),
            'options', coalesce('WITH (' || array_to_string(c.reloptions, ', ') || ')', ''), 'owner', c.relowner::regrole, 'rights', c.relacl::text)), '[]')
        FROM pg_depend d INNER JOIN pg_rewrite r ON r.oid = d.objid INNER JOIN pg_class c ON c.oid = r.ev_class
        WHERE d.refobjid = target::regclass AND d.classid = 'pg_rewrite'::regclass AND c.relkind = 'v');
    v jsonb;
BEGIN
    FOR v IN SELECT value FROM jsonb_array_elements(views) LOOP
        EXECUTE format('DROP VIEW %s', v->>'name');
    END LOOP;
    EXECUTE format('ALTER TABLE %s ALTER COLUMN %I TYPE %s', target, col, type);
    FOR v IN SELECT value FROM jsonb_array_elements(views) LOOP
        EXECUTE format('CREATE VIEW %s %s AS %s', v->>'name', v->>'options', v->>'body');
        EXECUTE format('COMMENT ON VIEW %s IS %L', v->>'name', v->>'comment');
        EXECUTE format('ALTER VIEW %s OWNER TO %s', v->>'name', v->>'owner');
        UPDATE pg_class SET relacl = (v->>'rights')::aclitem[] WHERE oid = (v->>'name')::regclass;
    END LOOP;
END $$;

-- After a commit that wrote a table: what Redshift reads fast, one column of it, is fast here as well. PostgreSQL would read
-- whole rows; so it gets an index on the distribution key, and statistics, which AUTO ANALYZE collects there. Neither moves
-- what the catalog shows, and nothing depends on it: whoever holds the table makes it wait for another commit.
CREATE FUNCTION standin.learn(target text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET track_counts = off SET default_statistics_target = 10 SET lock_timeout = '20ms' AS $$
DECLARE
    mine regclass := to_regclass(target);
    t record; key record;
BEGIN
    SELECT s.n_live_tup AS now, greatest(c.reltuples, 0) AS known INTO t
    FROM pg_class c INNER JOIN pg_stat_all_tables s ON s.relid = c.oid
    WHERE c.oid = mine AND c.relpersistence = 'p';
    IF NOT FOUND OR abs(t.now - t.known) <= 1000 + t.known / 10 THEN RETURN; END IF;
    FOR key IN
        SELECT attname AS name, attnum AS place
        FROM pg_attribute
        WHERE attrelid = mine AND attname = standin.attributes(mine)->>'distkey'
            AND (attlen > 0 OR atttypid = 'varchar'::regtype AND atttypmod <= 2000)  -- what an entry of an index holds
            AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = mine AND indkey[0] = attnum)
    LOOP
        EXECUTE format('CREATE INDEX %I ON %s (%I)', format('standin_%s_%s', mine::oid, key.place), mine, key.name);
    END LOOP;
    EXECUTE format('ANALYZE %s', mine);
EXCEPTION WHEN OTHERS THEN NULL;
END $$;

-- ALTER TABLE APPEND (r_ALTER_TABLE_APPEND): moves the rows, matching columns by name.
CREATE FUNCTION standin.append(target text, source text, option text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    differing text; names text;
BEGIN
    CREATE TEMP TABLE standin_columns ON COMMIT DROP AS
    SELECT attname AS name,
        max(CASE WHEN attrelid = target::regclass THEN format_type(atttypid, atttypmod) || attnotnull END) AS wanted,
        max(CASE WHEN attrelid = source::regclass THEN format_type(atttypid, atttypmod) || attnotnull END) AS given,
        bool_or(attidentity <> '') AS identity
    FROM pg_attribute
    WHERE attrelid IN (target::regclass, source::regclass) AND attnum > 0 AND NOT attisdropped
    GROUP BY attname;
    SELECT name INTO differing FROM standin_columns WHERE wanted <> given LIMIT 1;
    IF differing IS NOT NULL THEN
        RAISE EXCEPTION 'Column "%" has different attributes in the source table and the target table.', differing
            USING ERRCODE = 'XX000';
    END IF;
    IF option <> 'ignoreextra' AND EXISTS (SELECT FROM standin_columns WHERE wanted IS NULL) THEN
        RAISE EXCEPTION 'Columns of the source table do not exist in the target table: use IGNOREEXTRA'
            USING ERRCODE = 'XX000';
    END IF;
    IF option <> 'filltarget' AND EXISTS (SELECT FROM standin_columns WHERE given IS NULL AND NOT identity) THEN
        RAISE EXCEPTION 'Columns of the target table do not exist in the source table: use FILLTARGET'
            USING ERRCODE = 'XX000';
    END IF;
    SELECT string_agg(quote_ident(name), ', ') INTO names
    FROM standin_columns WHERE wanted IS NOT NULL AND given IS NOT NULL AND NOT identity;
    EXECUTE format('INSERT INTO %s (%s) SELECT %s FROM %s', target, names, names, source);
    EXECUTE format('TRUNCATE TABLE %s', source);
END $$;

-- VACUUM (r_VACUUM_command): the tables that are below the threshold, and of which rows are given back; each is logged, also
-- when it is skipped. PostgreSQL has no order to restore: what was sorted is a number that svv_table_info shows.
CREATE FUNCTION standin.to_vacuum(target text, mode text, percent integer)
RETURNS TABLE (relation text) LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    t record; sorts boolean; frees boolean;
BEGIN
    IF target <> '' THEN PERFORM target::regclass; END IF;
    FOR t IN SELECT * FROM svv_table_info i WHERE target = '' OR i.table_id = target::regclass LOOP
        sorts := mode <> 'delete' AND (coalesce(t.unsorted, 0) > 100 - percent OR mode = 'reindex');
        frees := mode NOT IN ('sort', 'recluster') AND t.tbl_rows > t.estimated_visible_rows
            AND (percent = 100 OR t.estimated_visible_rows < t.tbl_rows * percent / 100);
        INSERT INTO standin.vacuums (userid, xid, table_id, status, "rows", eventtime)
        VALUES (100, txid_current(), t.table_id,
            CASE WHEN sorts OR frees THEN 'Started' ELSE 'Skipped' END
                || CASE WHEN mode = 'full' THEN '' ELSE ' ' || mode END, t.tbl_rows, getdate());
        IF sorts OR frees THEN
            INSERT INTO standin.unsorted VALUES (t.table_id, 0) ON CONFLICT ON CONSTRAINT unsorted_pkey DO NOTHING;
            UPDATE standin.unsorted u SET "rows" = CASE
                WHEN frees AND sorts THEN 0
                WHEN frees THEN u."rows" + s.n_ins_since_vacuum
                ELSE -s.n_ins_since_vacuum END
            FROM pg_stat_all_tables s
            WHERE u.relation = t.table_id AND s.relid = t.table_id;
        END IF;
        IF frees THEN
            relation := format('%I.%I', t.schema, t."table");
            RETURN NEXT;
        END IF;
    END LOOP;
END $$;

-- What clients call. Dates: r_GETDATE, r_SYSDATE, r_DATEADD_function, r_DATEDIFF_function (boundaries crossed).

CREATE FUNCTION pg_catalog.getdate() RETURNS timestamp LANGUAGE sql STABLE AS
$$ SELECT date_trunc('second', now() AT TIME ZONE 'UTC') $$;
CREATE FUNCTION pg_catalog.sysdate() RETURNS timestamp LANGUAGE sql STABLE AS $$ SELECT now() AT TIME ZONE 'UTC' $$;

CREATE FUNCTION standin.part(name text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
SELECT CASE
    WHEN name IN ('millennium', 'millennia', 'mil', 'mils') THEN 'millennium'
    WHEN name IN ('century', 'centuries', 'c', 'cent', 'cents') THEN 'century'
    WHEN name IN ('decade', 'decades', 'dec', 'decs') THEN 'decade'
    WHEN name IN ('year', 'years', 'y', 'yr', 'yrs') THEN 'year'
    WHEN name IN ('quarter', 'quarters', 'qtr', 'qtrs') THEN 'quarter'
    WHEN name IN ('month', 'months', 'mon', 'mons') THEN 'month'
    WHEN name IN ('week', 'weeks', 'w') THEN 'week'
    WHEN name IN ('day', 'days', 'd') THEN 'day'
    WHEN name IN ('hour', 'hours', 'h', 'hr', 'hrs') THEN 'hour'
    WHEN name IN ('minute', 'minutes', 'm', 'min', 'mins') THEN 'minute'
    WHEN name IN ('second', 'seconds', 's', 'sec', 'secs') THEN 'second'
    WHEN name IN ('millisecond', 'milliseconds', 'ms', 'msec', 'msecs') THEN 'millisecond'
    WHEN name IN ('microsecond', 'microseconds', 'us', 'usec', 'usecs') THEN 'microsecond'
END $$;
CREATE FUNCTION pg_catalog.dateadd(part text, n bigint, at timestamp) RETURNS timestamp LANGUAGE sql IMMUTABLE AS
$$ SELECT at + n * CASE standin.part(part) WHEN 'quarter' THEN '3 months' ELSE '1 ' || standin.part(part) END::interval $$;
CREATE FUNCTION pg_catalog.datediff(part text, since timestamp, until timestamp) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
SELECT CASE standin.part(part)
    WHEN 'year' THEN extract(year FROM until) - extract(year FROM since)
    WHEN 'quarter' THEN (extract(year FROM until) - extract(year FROM since)) * 4
        + extract(quarter FROM until) - extract(quarter FROM since)
    WHEN 'month' THEN (extract(year FROM until) - extract(year FROM since)) * 12
        + extract(month FROM until) - extract(month FROM since)
    WHEN 'week' THEN (date_trunc('week', until)::date - date_trunc('week', since)::date) / 7
    WHEN 'day' THEN until::date - since::date
    ELSE extract(epoch FROM date_trunc(standin.part(part), until) - date_trunc(standin.part(part), since))
        / extract(epoch FROM ('1 ' || standin.part(part))::interval)
END::bigint $$;

CREATE OR REPLACE FUNCTION pg_catalog.version() RETURNS text LANGUAGE sql STABLE AS
$$ SELECT 'PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC, Redshift 1.0 stand-in'::text $$;
CREATE FUNCTION pg_catalog.len(text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT length($1) $$;
CREATE FUNCTION pg_catalog.json_parse(text) RETURNS super LANGUAGE sql IMMUTABLE AS $$ SELECT $1::jsonb::super $$;
CREATE FUNCTION pg_catalog.json_serialize(jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT $1::text $$;
CREATE FUNCTION pg_catalog.json_size(jsonb) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT octet_length($1::text) $$;
CREATE FUNCTION pg_catalog.strtol(digits text, base integer) RETURNS bigint LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    n numeric := 0; digit integer;
BEGIN
    FOR i IN 1..length(digits) LOOP
        digit := position(lower(substr(digits, i, 1)) IN '0123456789abcdefghijklmnopqrstuvwxyz') - 1;
        IF digit < 0 OR digit >= base THEN
            RAISE EXCEPTION 'The input % is not valid to be converted to base %', digits, base USING ERRCODE = 'XX000';
        END IF;
        n := n * base + digit;
    END LOOP;
    IF n > 9223372036854775807 THEN
        RAISE EXCEPTION 'The input % is out of range', digits USING ERRCODE = 'XX000';
    END IF;
    RETURN n;
END $$;

-- Of the session: the front sets them, so that a ROLLBACK does not (PG_LAST_COPY_COUNT, PG_LAST_COPY_ID).
CREATE FUNCTION pg_catalog.pg_last_copy_count() RETURNS bigint LANGUAGE sql VOLATILE AS
$$ SELECT coalesce(nullif(current_setting('redshift.last_copy_count', true), ''), '0')::bigint $$;
CREATE FUNCTION pg_catalog.pg_last_copy_id() RETURNS integer LANGUAGE sql VOLATILE AS
$$ SELECT coalesce(nullif(current_setting('redshift.last_copy_id', true), ''), '-1')::integer $$;

-- A materialized view over a view is refused: materialized-view-create-sql-command, limitations.
CREATE FUNCTION standin.check_materialized(made text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    used text;
BEGIN
    SELECT c.relname INTO used
    FROM pg_depend AS d
    INNER JOIN pg_rewrite AS r ON r.oid = d.objid AND d.classid = 'pg_rewrite'::regclass
    INNER JOIN pg_class AS c ON c.oid = d.refobjid AND d.refclassid = 'pg_class'::regclass
    WHERE r.ev_class = made::regclass AND c.relkind = 'v';
    IF used IS NOT NULL THEN
        RAISE EXCEPTION 'Materialized view cannot be created over the view %', used USING ERRCODE = '0A000';
    END IF;
END $$;

-- A late-bound view has no columns in the catalog, and so none that takes a comment: r_COMMENT, usage notes.
CREATE FUNCTION standin.check_comment(commented text, col text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_class WHERE oid = commented::regclass AND 'security_invoker=false' = ANY(reloptions)) THEN
        RAISE EXCEPTION 'column "%" of relation "%" does not exist', col, commented::regclass USING ERRCODE = '42703';
    END IF;
END $$;
