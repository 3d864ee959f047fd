-- Functions and a view for people: base58 text where the tables have bytea.

CREATE FUNCTION txindex.base58(bytes bytea) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  alphabet CONSTANT text := '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
  size CONSTANT integer := length(bytes);
  digits text := encode(bytes, 'hex');
  zeros integer := 0;
  number numeric := 0;
  five integer;  -- base58 digits at a time: 58^5 < 2^31
  answer text := '';
BEGIN
  -- A zero byte in front is a '1' in front.
  WHILE zeros < size AND get_byte(bytes, zeros) = 0 LOOP
    zeros := zeros + 1;
  END LOOP;
  digits := repeat('0', (8 - length(digits) % 8) % 8) || digits;
  FOR i IN 1 .. length(digits) BY 8 LOOP
    number := number * 4294967296 + ('x' || lpad(substr(digits, i, 8), 16, '0'))::bit(64)::bigint;
  END LOOP;
  WHILE number > 0 LOOP
    five := (number % 656356768)::integer;
    number := div(number, 656356768);
    FOR i IN 1 .. 5 LOOP
      EXIT WHEN number = 0 AND five = 0;
      answer := substr(alphabet, five % 58 + 1, 1) || answer;
      five := five / 58;
    END LOOP;
  END LOOP;
  RETURN repeat('1', zeros) || answer;
END $$;

CREATE FUNCTION txindex.from_base58(encoded text) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  alphabet CONSTANT text := '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
  size CONSTANT integer := length(encoded);
  ones CONSTANT integer := size - length(ltrim(encoded, '1'));
  number numeric := 0;
  five bigint;
  digit integer;
  answer text := '';
BEGIN
  IF translate(encoded, alphabet, '') <> '' THEN
    RAISE EXCEPTION 'not base58: "%"', encoded USING ERRCODE = 'invalid_text_representation';
  END IF;
  FOR i IN 1 .. size BY 5 LOOP
    five := 0;
    FOR j IN i .. least(i + 4, size) LOOP
      digit := strpos(alphabet, substr(encoded, j, 1)) - 1;
      five := five * 58 + digit;
    END LOOP;
    number := number * (58::numeric ^ least(5, size - i + 1))::integer + five;
  END LOOP;
  WHILE number > 0 LOOP
    answer := lpad(to_hex((number % 4294967296)::bigint), 8, '0') || answer;
    number := div(number, 4294967296);
  END LOOP;
  answer := ltrim(answer, '0');
  IF length(answer) % 2 = 1 THEN
    answer := '0' || answer;
  END IF;
  RETURN decode(repeat('00', ones) || answer, 'hex');
END $$;

CREATE FUNCTION txindex.chain_name(chain smallint) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT CASE chain WHEN 1 THEN 'solana' ELSE chain::text END $$;

CREATE FUNCTION txindex.version_name(version smallint) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT CASE version WHEN -1 THEN 'legacy' ELSE version::text END $$;

-- {signer,writable,program,fee_payer}
CREATE FUNCTION txindex.role_names(roles smallint) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT array_remove(ARRAY[CASE WHEN roles & 1 <> 0 THEN 'signer' END,
                            CASE WHEN roles & 2 <> 0 THEN 'writable' END,
                            CASE WHEN roles & 4 <> 0 THEN 'program' END,
                            CASE WHEN roles & 8 <> 0 THEN 'fee_payer' END], NULL)
$$;

-- Transactions as people read them, the newest first. Ask with a LIMIT or a range of ts.
CREATE VIEW txindex.recent AS
  SELECT ts, txindex.base58(txid) AS txid, txindex.chain_name(chain) AS chain, slot,
         txindex.version_name(version) AS version, txindex.base58(fee_payer) AS fee_payer,
         txindex.base58(recent_blockhash) AS recent_blockhash, signature_count, account_count,
         instruction_count, length(raw) AS bytes, received_at, id
    FROM txindex.transactions
    ORDER BY transactions.ts DESC, transactions.id DESC;

-- Is this transaction there? One row for each partition that has it.
CREATE FUNCTION txindex.transaction(txid text)
RETURNS TABLE (ts timestamptz, chain text, slot bigint, version text, fee_payer text,
               recent_blockhash text, signature_count smallint, account_count smallint,
               instruction_count smallint, received_at timestamptz, id bigint, raw bytea)
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  key CONSTANT bytea := txindex.from_base58($1);
BEGIN
  RETURN QUERY
    SELECT t.ts, txindex.chain_name(t.chain), t.slot, txindex.version_name(t.version),
           txindex.base58(t.fee_payer), txindex.base58(t.recent_blockhash), t.signature_count,
           t.account_count, t.instruction_count, t.received_at, t.id, t.raw
      FROM txindex.transactions t WHERE t.txid = key ORDER BY t.ts, t.id;
END $$;

-- What did this address do? The newest first; needs index.level accounts. For the next page give
-- the ts and id of the last row as `before` and `before_id`; without an id, a page ends where the
-- stamp changes.
CREATE FUNCTION txindex.account_history(address text, before timestamptz DEFAULT NULL,
                                        "limit" integer DEFAULT 20, before_id bigint DEFAULT NULL)
RETURNS TABLE (ts timestamptz, txid text, roles text[], chain text, slot bigint, version text,
               fee_payer text, instruction_count smallint, id bigint)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 20
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  key CONSTANT bytea := txindex.from_base58($1);
  last_ts CONSTANT timestamptz := coalesce($2, 'infinity');
  last_id CONSTANT bigint := coalesce($4, -9223372036854775808);
BEGIN
  -- The postings first: partitions are read one after the other from the newest until the page is
  -- full. Then each one's transaction.
  RETURN QUERY
    SELECT t.ts, txindex.base58(t.txid), txindex.role_names(a.roles), txindex.chain_name(t.chain),
           t.slot, txindex.version_name(t.version), txindex.base58(t.fee_payer),
           t.instruction_count, t.id
      FROM (SELECT p.ts, p.id, p.roles FROM txindex.transaction_accounts p
              WHERE p.account = key AND p.ts <= last_ts AND (p.ts, p.id) < (last_ts, last_id)
              ORDER BY p.ts DESC, p.id DESC LIMIT $3) a
      CROSS JOIN LATERAL (SELECT x.* FROM txindex.transactions x
                            WHERE x.ts = a.ts AND x.id = a.id LIMIT 1) t
      ORDER BY a.ts DESC, a.id DESC;
END $$;

-- How many transactions called each program, the busiest first; needs index.level accounts. Reads
-- every posting in between.
CREATE FUNCTION txindex.program_counts(since timestamptz DEFAULT now() - interval '1 hour',
                                       until timestamptz DEFAULT 'infinity')
RETURNS TABLE (program text, transactions bigint)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN QUERY
    SELECT txindex.base58(c.account), c.calls
      FROM (SELECT a.account, count(*) AS calls FROM txindex.transaction_accounts a
              WHERE a.ts >= since AND a.ts < until AND a.roles & 4 <> 0
              GROUP BY a.account) c
      ORDER BY c.calls DESC, c.account;
END $$;
