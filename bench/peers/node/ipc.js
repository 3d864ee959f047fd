// The older form, as users have it: the primary takes the connections and hands every transaction to
// a worker by process.send, as JSON with base64. Answers come back in groups.
//
//   primary to worker    { id, tx }
//   worker to primary    { ids, outcomes }
import { Outcome } from './wire.js';

// So many under way, over all workers; all ids are below it. A worker's pipeline has room for them.
const IDS = 8192;
// What a connection may hand over in one piece: what one read gives and the rest of the one before.
const SCRATCH_BYTES = 1024 * 1024;

// In the primary: what a Connection sees in place of a Pipeline.
export class Dispatcher {
  bytes = Buffer.alloc(SCRATCH_BYTES);
  #workers;
  #next = 0;
  #free = Int32Array.from({ length: IDS }, (_, i) => i);
  #freeCount = IDS;
  #sources = new Array(IDS).fill(null);
  #sequences = new Float64Array(IDS);
  #waiting = [];
  #whenEmpty = null;

  constructor(workers) {
    this.#workers = workers;
    for (const worker of workers) worker.on('message', (message) => this.#answer(message));
  }

  hasSlot() {
    return this.#freeCount > 0;
  }

  reserve(n) {
    return n <= SCRATCH_BYTES ? 0 : -1;
  }

  submit(source, sequence, begin, end) {
    const id = this.#free[--this.#freeCount];
    this.#sources[id] = source;
    this.#sequences[id] = sequence;
    this.#next = (this.#next + 1) % this.#workers.length;
    this.#workers[this.#next].send({ id, tx: this.bytes.base64Slice(begin, end) });
    return Outcome.COMMITTED;
  }

  commit() {}
  publish() {}

  waitForRoom(source) {
    this.#waiting.push(source);
  }

  emptied() {
    if (this.#freeCount === IDS) return Promise.resolve();
    return new Promise((resolve) => (this.#whenEmpty = resolve));
  }

  #answer({ ids, outcomes }) {
    if (ids === undefined) return;
    const touched = new Set();
    for (let i = 0; i < ids.length; ++i) {
      const source = this.#sources[ids[i]];
      source.complete(this.#sequences[ids[i]], outcomes[i]);
      touched.add(source);
      this.#sources[ids[i]] = null;
      this.#free[this.#freeCount++] = ids[i];
    }
    for (const source of touched) source.flush();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const source of waiting) source.retry();
    if (this.#whenEmpty && this.#freeCount === IDS) this.#whenEmpty();
  }
}

// In a worker: the source of its Pipeline. The sequence is the id that the primary gave.
export class IpcSource {
  touched = false; // of the pipeline
  #pipeline;
  #ids = [];
  #outcomes = [];
  #waiting = []; // messages for which there was no room
  #publishing = false;

  constructor(pipeline) {
    this.#pipeline = pipeline;
  }

  take(message) {
    if (this.#waiting.length > 0 || !this.#submit(message)) this.#wait(message);
  }

  complete(id, outcome) {
    this.#ids.push(id);
    this.#outcomes.push(outcome);
  }

  flush() {
    if (this.#ids.length === 0) return;
    process.send({ ids: this.#ids, outcomes: this.#outcomes });
    this.#ids = [];
    this.#outcomes = [];
  }

  retry() {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const message of waiting) this.take(message);
  }

  #wait(message) {
    if (this.#waiting.length === 0) this.#pipeline.waitForRoom(this);
    this.#waiting.push(message);
  }

  #submit({ id, tx }) {
    const most = Math.ceil((tx.length * 3) / 4);
    const at = this.#pipeline.reserve(most);
    if (at < 0 || !this.#pipeline.hasSlot()) return false;
    const n = this.#pipeline.bytes.base64Write(tx, at, most);
    const outcome = this.#pipeline.submit(this, id, at, at + n);
    this.#pipeline.commit(n);
    if (outcome !== Outcome.COMMITTED) this.complete(id, outcome);
    this.#publishSoon();
    return true;
  }

  // Messages come one by one; those of one turn of the loop are handed over together.
  #publishSoon() {
    if (this.#publishing) return;
    this.#publishing = true;
    setImmediate(() => {
      this.#publishing = false;
      this.#pipeline.publish();
      this.flush();
    });
  }
}
