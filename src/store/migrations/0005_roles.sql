-- Two roles. The owner makes and upgrades the schema. Ingest, which the workers use and which is
-- therefore nearest to strangers, may add rows and read what it needs to know duplicates by, and
-- nothing else: what it has to do beside that, it does through functions that run as the owner.
--
-- A later CREATE OR REPLACE of such a function must say SECURITY DEFINER again: PostgreSQL keeps
-- who may call a function, but not that.

-- The limit for ingest's drops, kept where ingest cannot change it. Null: it may drop nothing.
ALTER TABLE txindex.settings ADD COLUMN retention interval;
COMMENT ON COLUMN txindex.settings.retention IS 'What the ingest role must not drop: everything younger than this; null: everything';

-- A leaf has the digits of its period in its name, and one of another era, or with a fifth digit of
-- the year, would have another's: then rows of that period would have no place.
ALTER FUNCTION txindex.ensure_partitions(timestamptz[]) RENAME TO make_partitions;
CREATE FUNCTION txindex.ensure_partitions(stamps timestamptz[])
RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF (timestamptz '1970-01-01 00:00+00' <= ALL (stamps)
      AND timestamptz '9999-01-01 00:00+00' > ALL (stamps)) IS NOT TRUE THEN
    RAISE EXCEPTION 'there are no partitions for some of %', stamps
      USING ERRCODE = 'datetime_field_overflow',
            HINT = 'Time stamps are of the years 1970 to 9998.';
  END IF;
  RETURN txindex.make_partitions(stamps);
END $$;
-- Counts rows of small leaves, whose columns ingest may not read.
ALTER FUNCTION txindex.store_size() SECURITY DEFINER;

-- drop_period() for whoever does the retention. The owner, who could drop the tables anyway, is not
-- limited.
CREATE FUNCTION txindex.drop_expired(first timestamptz, cutoff timestamptz)
RETURNS TABLE (name name, row_count bigint, bytes bigint)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  kept CONSTANT interval := (SELECT s.retention FROM txindex.settings s);
BEGIN
  -- current_user is the owner here, session_user who has connected.
  IF NOT pg_has_role(session_user, current_user, 'MEMBER')
     AND (cutoff <= now() - kept) IS NOT TRUE THEN
    RAISE EXCEPTION 'role % may not drop this: the retention that the database allows it is %',
        session_user, coalesce(kept::text, 'none')
      USING ERRCODE = 'insufficient_privilege',
            HINT = 'Run txindexd migrate with migrate.database, which sets it.';
  END IF;
  RETURN QUERY SELECT * FROM txindex.drop_period(first, cutoff);
END $$;

-- Gives a role what ingest needs, and returns how much of it was new. A role that owns the schema
-- has it all.
CREATE FUNCTION txindex.grant_ingest(ingest name)
RETURNS integer
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  privilege text;
  present boolean;
  granted integer := 0;
BEGIN
  -- Granting changes rows of the catalog that attaching a partition changes too.
  PERFORM pg_advisory_xact_lock(hashtextextended('txindex.partitions', 0));
  FOR privilege, present IN VALUES
    ('USAGE ON SCHEMA txindex', has_schema_privilege(ingest, 'txindex', 'USAGE')),
    -- Is this the schema that the program knows?
    ('SELECT ON TABLE txindex.schema_migrations', has_table_privilege(ingest, 'txindex.schema_migrations', 'SELECT')),
    ('SELECT ON TABLE txindex.settings', has_table_privilege(ingest, 'txindex.settings', 'SELECT')),
    -- Rows, by way of the parents alone, and the numbers for them.
    ('USAGE ON SEQUENCE txindex.transaction_id_block', has_sequence_privilege(ingest, 'txindex.transaction_id_block', 'USAGE')),
    ('INSERT ON TABLE txindex.transactions', has_table_privilege(ingest, 'txindex.transactions', 'INSERT')),
    ('INSERT ON TABLE txindex.transaction_accounts', has_table_privilege(ingest, 'txindex.transaction_accounts', 'INSERT')),
    ('INSERT ON TABLE txindex.transaction_lookups', has_table_privilege(ingest, 'txindex.transaction_lookups', 'INSERT')),
    ('INSERT ON TABLE txindex.instructions', has_table_privilege(ingest, 'txindex.instructions', 'INSERT')),
    ('INSERT ON TABLE txindex.boundary_transactions', has_table_privilege(ingest, 'txindex.boundary_transactions', 'INSERT')),
    -- Which rows were new, and, after an answer that was lost, which are there.
    ('SELECT (ts) ON TABLE txindex.transactions', has_column_privilege(ingest, 'txindex.transactions', 'ts', 'SELECT')),
    ('SELECT (id) ON TABLE txindex.transactions', has_column_privilege(ingest, 'txindex.transactions', 'id', 'SELECT')),
    ('SELECT (id) ON TABLE txindex.boundary_transactions', has_column_privilege(ingest, 'txindex.boundary_transactions', 'id', 'SELECT')),
    -- What runs as the owner.
    ('EXECUTE ON FUNCTION txindex.ensure_partitions(timestamptz[])', has_function_privilege(ingest, 'txindex.ensure_partitions(timestamptz[])', 'EXECUTE')),
    ('EXECUTE ON FUNCTION txindex.drop_expired(timestamptz, timestamptz)', has_function_privilege(ingest, 'txindex.drop_expired(timestamptz, timestamptz)', 'EXECUTE')),
    ('EXECUTE ON FUNCTION txindex.store_size()', has_function_privilege(ingest, 'txindex.store_size()', 'EXECUTE'))
  LOOP
    CONTINUE WHEN present;
    EXECUTE format('GRANT %s TO %I', privilege, ingest);
    granted := granted + 1;
  END LOOP;
  RETURN granted;
END $$;

-- A new function is everybody's to call.
REVOKE EXECUTE ON FUNCTION
  txindex.make_partition(text, timestamptz, timestamptz),
  txindex.make_partitions(timestamptz[]),
  txindex.ensure_partitions(timestamptz[]),
  txindex.drop_period(timestamptz, timestamptz),
  txindex.drop_expired(timestamptz, timestamptz),
  txindex.drop_partitions_before(timestamptz),
  txindex.row_estimate(regclass, bigint),
  txindex.store_size(),
  txindex.grant_ingest(name)
FROM PUBLIC;
