-- Retention, one period at a time, and settings for tables that only ever grow.

-- What every leaf is set to, as the list of ALTER TABLE ... SET (...).
--
-- Rows come and never change, so pages are filled to the brim. Two rows of the largest size fit a
-- page.
--
-- Vacuum has no dead rows to remove here; it freezes what was inserted and marks pages as visible
-- to all, once for each page, so that index-only scans work and a late, forced vacuum against
-- wraparound finds nothing to do. It skips pages that are marked, so a run costs what was inserted
-- since the one before. PostgreSQL's default, a run for every fifth of the table, would leave up to
-- a sixth of a finished leaf without one for ever: hence 2 %. The fixed part keeps a small leaf
-- from being vacuumed in every minute of its first hour.
--
-- Analyze reads a sample of the same size however large the leaf is: a run for every fifth is
-- enough, and small leaves get theirs early, because nothing is known of the rows before.
--
-- Indexes keep B-tree's default fill factor of 90. It counts where a page is split at the right
-- end of a run of ascending keys, (ts, id) and the newest of an account, and several writers insert
-- close behind that end, not at it: pages packed to 100 would be split again by the stragglers. For
-- random keys, those of txid, splits are always in the middle and the fill factor means nothing.
CREATE FUNCTION txindex.storage_parameters() RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT 'fillfactor = 100, toast_tuple_target = 4080,'
         ' autovacuum_freeze_min_age = 0, toast.autovacuum_freeze_min_age = 0,'
         ' autovacuum_vacuum_insert_threshold = 10000,'
         ' autovacuum_vacuum_insert_scale_factor = 0.02,'
         ' toast.autovacuum_vacuum_insert_threshold = 10000,'
         ' toast.autovacuum_vacuum_insert_scale_factor = 0.02,'
         ' autovacuum_analyze_threshold = 1000, autovacuum_analyze_scale_factor = 0.2'
$$;

-- As in 0002, with these settings.
CREATE OR REPLACE FUNCTION txindex.make_partition(parent text, lower timestamptz, upper timestamptz)
RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET datestyle = 'ISO'
AS $$
DECLARE
  leaf text := parent || to_char(lower, '_YYYYMMDD_HH24MI');
  present regclass := to_regclass('txindex.' || leaf);
BEGIN
  IF present IS NOT NULL THEN
    PERFORM FROM pg_inherits
      WHERE inhrelid = present AND inhparent = to_regclass('txindex.' || parent);
    IF NOT FOUND THEN
      RAISE EXCEPTION 'table txindex.% is there, but is not a partition of txindex.%', leaf, parent
        USING ERRCODE = 'object_not_in_prerequisite_state',
              HINT = 'Attach it again, rename it or drop it.';
    END IF;
    RETURN false;
  END IF;
  EXECUTE format(
    'CREATE TABLE txindex.%I (LIKE txindex.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS'
    ' INCLUDING STORAGE) WITH (%s)', leaf, parent, txindex.storage_parameters());
  IF parent IN ('transactions', 'boundary_transactions') THEN
    EXECUTE format('CREATE UNIQUE INDEX %I ON txindex.%I (txid, chain)'
                   ' WITH (deduplicate_items = off)', leaf || '_txid', leaf);
  END IF;
  EXECUTE format('ALTER TABLE txindex.%I ATTACH PARTITION txindex.%I FOR VALUES FROM (%L) TO (%L)',
                 parent, leaf, lower, upper);
  RETURN true;
END $$;

-- Every leaf, and the period that it belongs to, by its first instant. The keys of a boundary
-- belong to the period before it.
CREATE FUNCTION txindex.leaves()
RETURNS TABLE (parent name, leaf regclass, name name, period timestamptz, period_end timestamptz)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET datestyle = 'ISO'
AS $$
  SELECT p.relname, c.oid::regclass, c.relname,
         CASE p.relname WHEN 'boundary_transactions'
           THEN b.lower - make_interval(secs => s.partition_seconds) ELSE b.lower END,
         CASE p.relname WHEN 'boundary_transactions' THEN b.lower ELSE b.upper END
    FROM pg_inherits i
    JOIN pg_class c ON c.oid = i.inhrelid
    JOIN pg_class p ON p.oid = i.inhparent
    CROSS JOIN LATERAL pg_get_expr(c.relpartbound, c.oid) AS bounds
    CROSS JOIN LATERAL (SELECT substring(bounds FROM 'FROM \(''([^'']+)''\)')::timestamptz,
                               substring(bounds FROM 'TO \(''([^'']+)''\)')::timestamptz)
      AS b(lower, upper)
    CROSS JOIN txindex.settings s
    WHERE p.relkind = 'p' AND p.relnamespace = 'txindex'::regnamespace
$$;

DO $$
DECLARE
  leaf regclass;
BEGIN
  FOR leaf IN SELECT l.leaf FROM txindex.leaves() l LOOP
    EXECUTE format('ALTER TABLE %s SET (%s)', leaf, txindex.storage_parameters());
  END LOOP;
END $$;

-- Periods that hold nothing from `cutoff` on, the oldest first.
CREATE FUNCTION txindex.periods_before(cutoff timestamptz)
RETURNS SETOF timestamptz
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT DISTINCT period FROM txindex.leaves() WHERE period_end <= cutoff ORDER BY period
$$;

-- Who has a lock on what drop_period() would have to lock. `transaction` tells two transactions of
-- one session apart: one that is still there a moment later is a long one.
CREATE FUNCTION txindex.period_users(first timestamptz)
RETURNS TABLE (transaction text, pid integer)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT DISTINCT l.virtualtransaction, l.pid
    FROM pg_locks l
    WHERE l.locktype = 'relation' AND l.granted AND l.pid IS DISTINCT FROM pg_backend_pid()
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND l.relation IN (
        SELECT unnest(ARRAY['txindex.boundary_transactions', 'txindex.transactions',
                            'txindex.transaction_accounts', 'txindex.transaction_lookups',
                            'txindex.instructions']::regclass[])
        UNION ALL SELECT leaf FROM txindex.leaves() WHERE period = first)
$$;

-- Roughly how many rows a leaf has: from what vacuum and analyze have seen of it, else by counting
-- if it has no more than `pages_to_count`, else null.
CREATE FUNCTION txindex.row_estimate(leaf regclass, pages_to_count bigint)
RETURNS bigint
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  pages bigint := pg_relation_size(leaf) / current_setting('block_size')::bigint;
  seen_pages integer;
  seen_rows real;
  counted bigint;
BEGIN
  SELECT relpages, reltuples INTO seen_pages, seen_rows FROM pg_class WHERE oid = leaf;
  IF seen_pages > 0 AND seen_rows >= 0 THEN
    RETURN round(seen_rows::numeric / seen_pages * pages);
  ELSIF pages <= pages_to_count THEN
    EXECUTE format('SELECT count(*) FROM ONLY %s', leaf) INTO counted;
    RETURN counted;
  END IF;
  RETURN NULL;
END $$;

-- How much is stored: partitions of time, transactions (an estimate), and the bytes of all tables
-- and indexes. Reads no more than 32 MiB to know it.
CREATE FUNCTION txindex.store_size(OUT partitions bigint, OUT row_count bigint, OUT bytes bigint)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  to_count bigint := 4096;
  leaf regclass;
  pages bigint;
  estimate bigint;
  known_pages bigint := 0;
  unknown_pages bigint := 0;
BEGIN
  partitions := 0;
  row_count := 0;
  FOR leaf, pages IN
    SELECT l.leaf, pg_relation_size(l.leaf) / current_setting('block_size')::bigint
      FROM txindex.leaves() l WHERE l.parent = 'transactions' ORDER BY l.period DESC
  LOOP
    partitions := partitions + 1;
    estimate := txindex.row_estimate(leaf, to_count);
    IF estimate IS NULL THEN
      unknown_pages := unknown_pages + pages;
    ELSE
      row_count := row_count + estimate;
      known_pages := known_pages + pages;
      to_count := to_count - least(pages, to_count);
    END IF;
  END LOOP;
  -- As full as the others are; without any, 600 bytes a row.
  row_count := row_count
    + round(unknown_pages * coalesce(row_count::numeric / nullif(known_pages, 0), 13.6));
  SELECT coalesce(sum(pg_total_relation_size(l.leaf)), 0) INTO bytes FROM txindex.leaves() l;
END $$;

-- Drops the tables of one period, and says what they were. Nothing is dropped that may hold
-- something from `cutoff` on.
--
-- Waits for whoever uses the tables for as long as lock_timeout says, for all of them together, and
-- whoever comes later waits behind it; so keep that short, and see period_users() first. The
-- parents are locked in the order in which the writers' statements lock them, and before the
-- leaves, as writers do, so that no deadlock can come of it.
--
-- DETACH PARTITION CONCURRENTLY would keep nobody waiting, but works on one table at a time and
-- stops half-way when somebody holds it up: there would be postings without their transactions,
-- and leaves that are neither there nor gone when a writer needs one.
CREATE FUNCTION txindex.drop_period(first timestamptz, cutoff timestamptz)
RETURNS TABLE (name name, row_count bigint, bytes bigint)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  leaf regclass;
  leaves text[];
  each text;
  patience text := current_setting('lock_timeout');
  deadline timestamptz := clock_timestamp() + nullif(patience::interval, interval '0');
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('txindex.partitions', 0));
  FOR name, leaf, row_count, bytes IN
    SELECT l.name, l.leaf, CASE l.parent WHEN 'transactions' THEN txindex.row_estimate(l.leaf, 4096) END,
           pg_total_relation_size(l.leaf)
      FROM txindex.leaves() l WHERE l.period = first AND l.period_end <= cutoff ORDER BY l.name
  LOOP
    RETURN NEXT;
  END LOOP;
  leaves := ARRAY(SELECT l.leaf::text FROM txindex.leaves() l
                    WHERE l.period = first AND l.period_end <= cutoff);
  FOREACH each IN ARRAY ARRAY['ONLY txindex.boundary_transactions', 'ONLY txindex.transactions',
                              'ONLY txindex.transaction_accounts', 'ONLY txindex.transaction_lookups',
                              'ONLY txindex.instructions'] || leaves LOOP
    IF deadline IS NOT NULL THEN
      PERFORM set_config('lock_timeout', greatest(
        1, ceil(1000 * extract(epoch FROM deadline - clock_timestamp())))::bigint::text, true);
    END IF;
    EXECUTE 'LOCK TABLE ' || each || ' IN ACCESS EXCLUSIVE MODE';
  END LOOP;
  FOREACH each IN ARRAY leaves LOOP
    EXECUTE 'DROP TABLE ' || each;
  END LOOP;
  PERFORM set_config('lock_timeout', patience, true);
END $$;

-- As in 0002: for a person to call, all or nothing. The server itself drops period by period.
CREATE OR REPLACE FUNCTION txindex.drop_partitions_before(cutoff timestamptz)
RETURNS SETOF text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET datestyle = 'ISO'
SET lock_timeout = '10s'
AS $$
DECLARE
  first timestamptz;
BEGIN
  FOR first IN SELECT p FROM txindex.periods_before(cutoff) p LOOP
    RETURN QUERY SELECT 'txindex.' || d.name FROM txindex.drop_period(first, cutoff) d;
  END LOOP;
END $$;
