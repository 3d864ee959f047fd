// PostgreSQL: the table, and a connection that writes batches of rows to it.
import pg from 'pg';
import { Slot } from './slots.js';
import { Outcome } from './wire.js';

const TABLE = `
  CREATE TABLE IF NOT EXISTS peer_transactions (
    received_at timestamptz NOT NULL,
    txid        bytea       NOT NULL,
    payer       bytea       NOT NULL,
    raw         bytea       NOT NULL
  );
  ALTER TABLE peer_transactions
    ALTER COLUMN txid SET STORAGE EXTERNAL,
    ALTER COLUMN payer SET STORAGE EXTERNAL,
    ALTER COLUMN raw SET STORAGE EXTERNAL;
  CREATE UNIQUE INDEX IF NOT EXISTS peer_transactions_txid ON peer_transactions (txid)
    WITH (deduplicate_items = off)`;

// One row says which were new, if not all were. (unnest in the select list costs the server less than
// in FROM, where all rows are set aside first.)
const INSERT = `
  WITH new AS (
    INSERT INTO peer_transactions (txid, payer, raw, received_at)
    SELECT unnest($1::bytea[]), unnest($2::bytea[]), unnest($3::bytea[]), unnest($4::timestamptz[])
    ON CONFLICT DO NOTHING RETURNING txid)
  SELECT CASE WHEN count(*) < cardinality($1) THEN coalesce(array_agg(txid), '{}') END FROM new`;

// The parameters are arrays of which the planner knows nothing: one plan for all.
const SESSION = "SET plan_cache_mode = force_generic_plan; SET jit = off; SET client_min_messages = warning";

const TXID_BYTES = 64;
const PAYER_BYTES = 32;
const BYTEA = 17;
const TIMESTAMPTZ = 1184;
const EPOCH_2000_MS = 946_684_800_000;
const BATCH_MAX_BYTES = 1024 * 1024;
const TRANSACTION_MAX_BYTES = 4096;
// Another session locked what this one waited for; it is safe to do the same again.
const AGAIN = new Set(['40001', '40P01']);

export async function createTable(database) {
  const client = new pg.Client({ connectionString: database });
  await client.connect();
  await client.query(TABLE);
  await client.end();
}

// A parameter in PostgreSQL's binary format for arrays of one dimension, in memory that is used
// again for each batch: pg has copied it when query() returns.
class ArrayParameter {
  #bytes;
  #at;
  #type;

  constructor(type, elementBytes) {
    this.#type = type;
    this.#bytes = Buffer.allocUnsafeSlow(20 + elementBytes);
  }

  begin(elements) {
    const out = this.#bytes;
    out.writeInt32BE(1, 0); // dimensions
    out.writeInt32BE(0, 4); // no nulls
    out.writeInt32BE(this.#type, 8);
    out.writeInt32BE(elements, 12);
    out.writeInt32BE(1, 16); // first index
    this.#at = 20;
  }

  add(from, begin, end) {
    this.#length(end - begin);
    from.copy(this.#bytes, this.#at, begin, end);
    this.#at += end - begin;
  }

  addMicroseconds(value) {
    this.#length(8);
    const high = Math.floor(value / 2 ** 32);
    this.#u32(high);
    this.#u32(value);
  }

  value() {
    return this.#bytes.subarray(0, this.#at);
  }

  #length(n) {
    this.#u32(n);
  }

  #u32(n) {
    const out = this.#bytes;
    const at = this.#at;
    out[at] = n >>> 24;
    out[at + 1] = n >>> 16;
    out[at + 2] = n >>> 8;
    out[at + 3] = n;
    this.#at = at + 4;
  }
}

// One connection. Fill it with add() until full(), then send(); not before done() was called again.
export class Writer {
  #client;
  #shared;
  #receivedMs;
  #most;
  #slots;
  #keys;
  #sorted;
  #count = 0;
  #rawBytes = 0;
  #txids;
  #payers;
  #raws;
  #times;

  // `receivedMs`, for each slot of `shared`. `most` rows at once, at most 2048.
  constructor(shared, receivedMs, most) {
    this.#shared = shared;
    this.#receivedMs = receivedMs;
    this.#most = most;
    this.#slots = new Int32Array(most);
    this.#sorted = new Int32Array(most);
    this.#keys = new Float64Array(most);
    this.#txids = new ArrayParameter(BYTEA, most * (4 + TXID_BYTES));
    this.#payers = new ArrayParameter(BYTEA, most * (4 + PAYER_BYTES));
    this.#raws = new ArrayParameter(BYTEA, BATCH_MAX_BYTES + most * 4);
    this.#times = new ArrayParameter(TIMESTAMPTZ, most * 12);
  }

  // `onError` is for a connection that is lost while nothing is sent.
  async connect(database, onError) {
    this.#client = new pg.Client({ connectionString: database });
    this.#client.on('error', onError);
    await this.#client.connect();
    await this.#client.query(SESSION);
  }

  close() {
    return this.#client.end();
  }

  get count() {
    return this.#count;
  }

  full() {
    return this.#count === this.#most || this.#rawBytes > BATCH_MAX_BYTES - TRANSACTION_MAX_BYTES;
  }

  add(slot) {
    const f = slot * Slot.FIELDS;
    const { fields, bytes } = this.#shared;
    const txid = fields[f + Slot.SIGNATURES];
    // 42 bits of the txid and 11 of the position: what a double holds exactly.
    const high = bytes.readUInt32BE(txid) * 1024 + ((bytes[txid + 4] << 2) | (bytes[txid + 5] >> 6));
    this.#keys[this.#count] = high * 2048 + this.#count;
    this.#slots[this.#count++] = slot;
    this.#rawBytes += fields[f + Slot.END] - fields[f + Slot.BEGIN];
  }

  // Calls settle(slot, outcome) for each row once they are committed, then done(error).
  send(settle, done) {
    this.#encode();
    this.#query((error, ids) => {
      if (!error) this.#settle(ids, settle);
      this.#count = 0;
      this.#rawBytes = 0;
      done(error);
    });
  }

  // In the order of their keys: writers then lock in one order, and the index is walked once.
  #encode() {
    const n = this.#count;
    const keys = this.#keys.subarray(0, n).sort();
    const { fields, bytes } = this.#shared;
    for (const parameter of [this.#txids, this.#payers, this.#raws, this.#times]) parameter.begin(n);
    for (let i = 0; i < n; ++i) {
      const slot = this.#slots[keys[i] % 2048];
      const f = slot * Slot.FIELDS;
      const txid = fields[f + Slot.SIGNATURES];
      const payer = fields[f + Slot.KEYS];
      this.#sorted[i] = slot;
      this.#txids.add(bytes, txid, txid + TXID_BYTES);
      this.#payers.add(bytes, payer, payer + PAYER_BYTES);
      this.#raws.add(bytes, fields[f + Slot.BEGIN], fields[f + Slot.END]);
      this.#times.addMicroseconds((this.#receivedMs[slot] - EPOCH_2000_MS) * 1000);
    }
  }

  #query(answer) {
    const query = {
      name: 'insert',
      text: INSERT,
      values: [this.#txids.value(), this.#payers.value(), this.#raws.value(), this.#times.value()],
      rowMode: 'array',
    };
    this.#client.query(query, (error, result) => {
      if (error && AGAIN.has(error.code)) return this.#query(answer);
      answer(error, error ? null : result.rows[0][0]);
    });
  }

  // `ids`: of the rows that were new, or null when all were. Of two with the same one in a batch the
  // first was.
  #settle(ids, settle) {
    const n = this.#count;
    if (ids === null) {
      for (let i = 0; i < n; ++i) settle(this.#slots[i], Outcome.COMMITTED);
      return;
    }
    const created = new Set(ids.map((id) => id.latin1Slice()));
    const { fields, bytes } = this.#shared;
    for (let i = 0; i < n; ++i) {
      const txid = fields[this.#sorted[i] * Slot.FIELDS + Slot.SIGNATURES];
      const isNew = created.delete(bytes.latin1Slice(txid, txid + TXID_BYTES));
      settle(this.#sorted[i], isNew ? Outcome.COMMITTED : Outcome.DUPLICATE);
    }
  }
}
