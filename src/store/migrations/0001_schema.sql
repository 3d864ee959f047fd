-- The tables. Those that grow are partitioned by the time stamp `ts` and never indexed across
-- partitions: the cost of an insert does not depend on how much history there is, and retention
-- drops whole partitions. 0002_partitions.sql makes the leaves.
--
-- A row is named by (ts, id): ts finds the partition, id is unique by itself. Writers take blocks
-- of 2^20 ids from a sequence and number their rows themselves, so that everything that points to
-- a transaction can be sent in one statement with it.
--
-- Columns stand in the order of their alignment. Everything of type bytea here is a hash, a key, a
-- signature or made of them, hence EXTERNAL: no time is spent on compressing what does not
-- compress. (PLAIN would cost three bytes of header a value more.)

CREATE TABLE txindex.settings (
  only_row          boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  -- Fixed by the first migration: with two lengths partitions would overlap.
  partition_seconds integer NOT NULL CHECK (partition_seconds >= 60 AND partition_seconds % 60 = 0)
);

CREATE SEQUENCE txindex.transaction_id_block AS bigint MAXVALUE 8796093022207;

CREATE TABLE txindex.transactions (
  ts                timestamptz NOT NULL,
  id                bigint      NOT NULL,
  slot              bigint,
  received_at       timestamptz NOT NULL,
  chain             smallint    NOT NULL,
  version           smallint    NOT NULL,
  signature_count   smallint    NOT NULL,
  account_count     smallint    NOT NULL,
  instruction_count smallint    NOT NULL,
  txid              bytea       NOT NULL,
  fee_payer         bytea       NOT NULL,
  recent_blockhash  bytea       NOT NULL,
  raw               bytea       NOT NULL
) PARTITION BY RANGE (ts);
ALTER TABLE txindex.transactions
  ALTER COLUMN txid SET STORAGE EXTERNAL,
  ALTER COLUMN fee_payer SET STORAGE EXTERNAL,
  ALTER COLUMN recent_blockhash SET STORAGE EXTERNAL,
  ALTER COLUMN raw SET STORAGE EXTERNAL;
-- From an account's posting to the transaction, and the newest first. Uniqueness of (txid, chain)
-- is an index of each leaf, because an index here would have to contain ts.
CREATE INDEX transactions_ts_id ON txindex.transactions (ts, id) WITH (deduplicate_items = off);

COMMENT ON TABLE txindex.transactions IS 'One row for each transaction, unique by (txid, chain) within its partition';
COMMENT ON COLUMN txindex.transactions.ts IS 'The time its producer gave it, else the time of receipt; decides the partition';
COMMENT ON COLUMN txindex.transactions.chain IS '1: Solana';
COMMENT ON COLUMN txindex.transactions.version IS '-1: legacy';
COMMENT ON COLUMN txindex.transactions.raw IS 'The transaction in its wire format, as it came';

CREATE TABLE txindex.transaction_accounts (
  ts      timestamptz NOT NULL,
  id      bigint      NOT NULL,
  chain   smallint    NOT NULL,
  roles   smallint    NOT NULL,
  account bytea       NOT NULL
) PARTITION BY RANGE (ts);
ALTER TABLE txindex.transaction_accounts ALTER COLUMN account SET STORAGE EXTERNAL;
CREATE INDEX transaction_accounts_account
  ON txindex.transaction_accounts (account, ts, id) WITH (deduplicate_items = off);

COMMENT ON TABLE txindex.transaction_accounts IS 'One row for each account that a transaction names itself (index.level accounts and above)';
COMMENT ON COLUMN txindex.transaction_accounts.roles IS 'Sum of 1 signer, 2 writable, 4 called as a program, 8 fee payer';

CREATE TABLE txindex.transaction_lookups (
  ts           timestamptz NOT NULL,
  id           bigint      NOT NULL,
  chain        smallint    NOT NULL,
  ordinal      smallint    NOT NULL,
  lookup_table bytea       NOT NULL,
  writable     bytea       NOT NULL,
  readonly     bytea       NOT NULL
) PARTITION BY RANGE (ts);
ALTER TABLE txindex.transaction_lookups
  ALTER COLUMN lookup_table SET STORAGE EXTERNAL,
  ALTER COLUMN writable SET STORAGE EXTERNAL,
  ALTER COLUMN readonly SET STORAGE EXTERNAL;
CREATE INDEX transaction_lookups_table
  ON txindex.transaction_lookups (lookup_table, ts, id) WITH (deduplicate_items = off);

COMMENT ON TABLE txindex.transaction_lookups IS 'Accounts that a transaction loads from a table on chain: their addresses are not in the transaction, only the table''s and the indexes, one byte each';

CREATE TABLE txindex.instructions (
  ts       timestamptz NOT NULL,
  id       bigint      NOT NULL,
  chain    smallint    NOT NULL,
  ordinal  smallint    NOT NULL,
  program  bytea       NOT NULL,
  accounts bytea       NOT NULL,
  data     bytea       NOT NULL
) PARTITION BY RANGE (ts);
ALTER TABLE txindex.instructions
  ALTER COLUMN program SET STORAGE EXTERNAL,
  ALTER COLUMN accounts SET STORAGE EXTERNAL,
  ALTER COLUMN data SET STORAGE EXTERNAL;
CREATE INDEX instructions_program
  ON txindex.instructions (program, ts, id) WITH (deduplicate_items = off);

COMMENT ON TABLE txindex.instructions IS 'One row for each instruction (index.level instructions)';
COMMENT ON COLUMN txindex.instructions.accounts IS 'Indexes, one byte each, into the accounts of the transaction and then those it looks up';

-- Who has a (txid, chain) whose stamp is close to the boundary of two partitions, on either side:
-- the leaves' own unique indexes cannot see across it, and looking into the neighbour would miss
-- what another writer is about to commit there. A row that conflicts here is a duplicate.
CREATE TABLE txindex.boundary_transactions (
  boundary timestamptz NOT NULL,
  id       bigint      NOT NULL,
  chain    smallint    NOT NULL,
  txid     bytea       NOT NULL
) PARTITION BY RANGE (boundary);
ALTER TABLE txindex.boundary_transactions ALTER COLUMN txid SET STORAGE EXTERNAL;

COMMENT ON TABLE txindex.boundary_transactions IS 'Keys of transactions stamped close to a boundary between partitions; the writers'' own, for the duplicate rule';
