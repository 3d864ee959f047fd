-- Leaves that are made from now on are unique by the last 24 bytes of txid, and chain. Ids come in no
-- order, so that their index is what a partition's growth costs: each insert touches another page of
-- it, which has to be in memory, and goes to the log whole after a checkpoint. With 24 bytes in place
-- of the 64 of a signature, it has half of the pages.
--
-- 24 bytes of a hash are still one. Of an Ed25519 signature they are the high bytes of its S, which is
-- as good as random even to whoever makes it, since keys of small order are refused (with one, S could be
-- chosen; verify/self_test.cc): to find two transactions that share them takes 2^94 signatures. A chain
-- whose txid its sender can choose needs another rule. Where a txid is shorter, all of it counts.
--
-- Leaves that are there keep their index. While workers are being replaced, old ones write in the order of
-- txid and new ones in that of the new index; should two wait for each other, PostgreSQL ends one's
-- attempt, and it is made again.
--
-- Citus wants the column that it distributes by in every unique index: there make_partition has to be the
-- one of 0004. The statements name no index, and work with either.

COMMENT ON TABLE txindex.transactions IS 'One row for each transaction, unique by the last 24 bytes of txid, and chain, within its partition';
COMMENT ON COLUMN txindex.transactions.txid IS 'Ask by txindex.transaction(), or WHERE txid = key AND substr(txid, length(txid) - 23) = substr(key, length(key) - 23), which the index is of';

-- As in 0004, with this index.
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
    EXECUTE format('CREATE UNIQUE INDEX %I ON txindex.%I (substr(txid, length(txid) - 23), chain)'
                   ' WITH (deduplicate_items = off)', leaf || '_txid', leaf);
  END IF;
  EXECUTE format('ALTER TABLE txindex.%I ATTACH PARTITION txindex.%I FOR VALUES FROM (%L) TO (%L)',
                 parent, leaf, lower, upper);
  RETURN true;
END $$;

-- As in 0003, by both.
CREATE OR REPLACE FUNCTION txindex.transaction(txid text)
RETURNS TABLE (ts timestamptz, chain text, slot bigint, version text, fee_payer text,
               recent_blockhash text, signature_count smallint, account_count smallint,
               instruction_count smallint, received_at timestamptz, id bigint, raw bytea)
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  key CONSTANT bytea := txindex.from_base58($1);
  key_end CONSTANT bytea := substr(key, length(key) - 23);
BEGIN
  RETURN QUERY
    SELECT t.ts, txindex.chain_name(t.chain), t.slot, txindex.version_name(t.version),
           txindex.base58(t.fee_payer), txindex.base58(t.recent_blockhash), t.signature_count,
           t.account_count, t.instruction_count, t.received_at, t.id, t.raw
      FROM txindex.transactions t
      WHERE substr(t.txid, length(t.txid) - 23) = key_end AND t.txid = key ORDER BY t.ts, t.id;
END $$;
