-- Partitions: made on demand by the writers, dropped whole by retention.
--
-- Leaves are named after their first instant in UTC: transactions_20261121_1000.

-- Makes one leaf, unless it is there. Returns whether it made one. The leaf is made by itself and
-- then attached: ATTACH PARTITION does not keep writers and readers of the parent waiting, CREATE
-- TABLE ... PARTITION OF would. The caller holds the advisory lock of ensure_partitions.
CREATE FUNCTION txindex.make_partition(parent text, lower timestamptz, upper timestamptz)
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
  -- Rows come and never change. Freezing them at the first vacuum, which fresh rows cause, saves
  -- writing every page once more when they are old. Two rows of the largest size fit a page.
  EXECUTE format(
    'CREATE TABLE txindex.%I (LIKE txindex.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS'
    ' INCLUDING STORAGE) WITH (fillfactor = 100, toast_tuple_target = 4080,'
    ' autovacuum_freeze_min_age = 0, toast.autovacuum_freeze_min_age = 0)', leaf, parent);
  IF parent IN ('transactions', 'boundary_transactions') THEN
    EXECUTE format('CREATE UNIQUE INDEX %I ON txindex.%I (txid, chain)'
                   ' WITH (deduplicate_items = off)', leaf || '_txid', leaf);
  END IF;
  EXECUTE format('ALTER TABLE txindex.%I ATTACH PARTITION txindex.%I FOR VALUES FROM (%L) TO (%L)',
                 parent, leaf, lower, upper);
  RETURN true;
END $$;

-- Makes the partitions that rows with these stamps need, and returns how many tables it made. Any
-- number of callers at once.
CREATE FUNCTION txindex.ensure_partitions(stamps timestamptz[])
RETURNS integer
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  seconds bigint;
  length interval;
  first timestamptz;
  parent text;
  made integer := 0;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('txindex.partitions', 0));
  SELECT partition_seconds, make_interval(secs => partition_seconds) INTO STRICT seconds, length
    FROM txindex.settings;
  FOR first IN
    SELECT DISTINCT to_timestamp(floor(extract(epoch FROM date_trunc('second', s)) / seconds) * seconds)
      FROM unnest(stamps) s ORDER BY 1
  LOOP
    FOREACH parent IN ARRAY
      ARRAY['transactions', 'transaction_accounts', 'transaction_lookups', 'instructions']
    LOOP
      made := made + txindex.make_partition(parent, first, first + length)::integer;
    END LOOP;
    -- One for the boundary at either end.
    made := made + txindex.make_partition('boundary_transactions', first, first + length)::integer;
    made := made
      + txindex.make_partition('boundary_transactions', first + length, first + 2 * length)::integer;
  END LOOP;
  RETURN made;
END $$;

-- Retention: drops every partition that holds nothing from `cutoff` on, and returns their names.
-- The keys of a boundary go with the partition before it; so a transaction whose second stamp
-- would fall into a dropped partition may be stored again.
--
-- Waits at most ten seconds for those who use the tables, since whoever comes later waits behind
-- it; then it fails, having dropped nothing, and can be called again.
CREATE FUNCTION txindex.drop_partitions_before(cutoff timestamptz)
RETURNS SETOF text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET datestyle = 'ISO'
SET lock_timeout = '10s'
AS $$
DECLARE
  leaf text;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('txindex.partitions', 0));
  -- All at once, in the order in which the writers' statements lock them.
  LOCK TABLE ONLY txindex.boundary_transactions, ONLY txindex.transactions,
    ONLY txindex.transaction_accounts, ONLY txindex.transaction_lookups,
    ONLY txindex.instructions IN ACCESS EXCLUSIVE MODE;
  FOR leaf IN
    SELECT c.relname
      FROM pg_inherits i
      JOIN pg_class c ON c.oid = i.inhrelid
      JOIN pg_class p ON p.oid = i.inhparent
      CROSS JOIN LATERAL pg_get_expr(c.relpartbound, c.oid) AS bounds
      WHERE p.relkind = 'p' AND p.relnamespace = 'txindex'::regnamespace
        AND CASE p.relname
          WHEN 'boundary_transactions' THEN
            substring(bounds FROM 'FROM \(''([^'']+)''\)')::timestamptz <= cutoff
          ELSE substring(bounds FROM 'TO \(''([^'']+)''\)')::timestamptz <= cutoff
        END
      ORDER BY c.relname
  LOOP
    EXECUTE format('DROP TABLE txindex.%I', leaf);
    leaf := 'txindex.' || leaf;
    RETURN NEXT leaf;
  END LOOP;
END $$;
