// What a worker does with transactions: room in the shared memory, verification by its threads,
// batches into PostgreSQL, and each one's outcome to where it came from.
//
//   reserve() -> bytes written there -> submit() each -> commit() -> publish()
//
// A source has complete(sequence, outcome), called once for each that was submitted; flush(), after
// the last of a group of them; and retry(), after it asked to waitForRoom().
import { Worker } from 'node:worker_threads';
import { Control, Slot, Slots, Verdict } from './slots.js';
import { Writer } from './store.js';
import { parse } from './solana.js';
import { Outcome } from './wire.js';

const SLOTS = 16384;
const ARENA_BYTES = 16 * 1024 * 1024;

export class Pipeline {
  #shared = new Slots(SLOTS, ARENA_BYTES);
  #control = this.#shared.control;
  #waitRows;
  #writers = [];
  #idle = [];
  #threads = [];
  #settle = (slot, outcome) => this.#settleSlot(slot, outcome);

  // Counters of slots, mod 2^32: tail <= judged <= head.
  #head = 0;
  #judged = 0; // those before were put into a batch, or rejected
  #tail = 0; // those before are free
  #published = 0;
  #armed = false;

  // For each slot.
  #sources = new Array(SLOTS).fill(null); // null: settled
  #sequences = new Float64Array(SLOTS);
  #receivedMs = new Float64Array(SLOTS);
  #regions = new Int32Array(SLOTS);

  // What came together lies together, a region; it is free when all of it is settled and all before
  // it is free. Positions in the arena count on and on. No region is without a slot, so there are no
  // more of them.
  #arenaHead = 0;
  #arenaTail = 0;
  #regionHead = 0;
  #regionTail = 0;
  #regionEnds = new Float64Array(SLOTS);
  #regionLeft = new Int32Array(SLOTS);
  #now = 0;
  #reservedAt = 0;

  #touched = [];
  #waiting = [];
  #whenEmpty = null;

  // Of those that wait in one batch, `waitRows` while there is more to verify.
  constructor(options, onError) {
    this.#waitRows = Math.min(options.batchWaitRows, options.batchRows);
    this.onError = onError;
  }

  async start(options) {
    for (let i = 0; i < options.verifyThreads; ++i) {
      const { memory } = this.#shared;
      const thread = new Worker(new URL('./verify_thread.js', import.meta.url), {
        workerData: { slots: SLOTS, arenaBytes: ARENA_BYTES, memory, verifier: options.verifier },
      });
      thread.on('error', this.onError);
      this.#threads.push(thread);
    }
    for (let i = 0; i < options.writers; ++i) {
      const writer = new Writer(this.#shared, this.#receivedMs, options.batchRows);
      await writer.connect(options.database, this.onError);
      this.#writers.push(writer);
      this.#idle.push(writer);
    }
  }

  async stop() {
    for (const thread of this.#threads) await thread.terminate();
    for (const writer of this.#writers) await writer.close();
  }

  get bytes() {
    return this.#shared.bytes;
  }

  hasSlot() {
    return ((this.#head - this.#tail) | 0) < SLOTS;
  }

  empty() {
    return this.#head === this.#tail;
  }

  // Resolves when all that was submitted has its outcome.
  emptied() {
    if (this.empty()) return Promise.resolve();
    return new Promise((resolve) => (this.#whenEmpty = resolve));
  }

  waitForRoom(source) {
    this.#waiting.push(source);
  }

  // Where `n` bytes may be written, in one piece; -1: there is no room now.
  reserve(n) {
    let at = this.#arenaHead % ARENA_BYTES;
    let begin = this.#arenaHead;
    if (at + n > ARENA_BYTES) {
      begin += ARENA_BYTES - at;
      at = 0;
    }
    if (begin + n - this.#arenaTail > ARENA_BYTES) return -1;
    if (((this.#regionHead - this.#regionTail) | 0) === SLOTS) return -1;
    this.#reservedAt = begin;
    this.#regionLeft[this.#regionHead & (SLOTS - 1)] = 0;
    this.#now = Date.now();
    return at;
  }

  // A transaction in what was reserved. Not COMMITTED: it took no slot and has its outcome.
  submit(source, sequence, begin, end) {
    const slot = this.#head & (SLOTS - 1);
    const { bytes, fields, verdicts } = this.#shared;
    const outcome = parse(bytes, begin, end, fields, slot * Slot.FIELDS);
    if (outcome !== Outcome.COMMITTED) return outcome;
    const region = this.#regionHead & (SLOTS - 1);
    this.#sources[slot] = source;
    this.#sequences[slot] = sequence;
    this.#receivedMs[slot] = this.#now;
    this.#regions[slot] = region;
    ++this.#regionLeft[region];
    verdicts[slot] = Verdict.NONE; // published with HEAD
    this.#head = (this.#head + 1) | 0;
    return outcome;
  }

  // `n` of the bytes that were reserved are in use.
  commit(n) {
    const region = this.#regionHead & (SLOTS - 1);
    if (this.#regionLeft[region] === 0) return;
    this.#arenaHead = this.#reservedAt + n;
    this.#regionEnds[region] = this.#arenaHead;
    this.#regionHead = (this.#regionHead + 1) | 0;
  }

  publish() {
    if (this.#published === this.#head) return;
    this.#published = this.#head;
    Atomics.store(this.#control, Control.HEAD, this.#head);
    Atomics.notify(this.#control, Control.HEAD);
    if (this.#idle.length > 0 && !this.#armed) this.#arm();
  }

  // Gives each idle writer what is verified, or asks to be woken when there is enough.
  #pump() {
    while (this.#idle.length > 0 && this.#judged !== this.#published) {
      if (!this.#ready()) return this.#arm();
      const writer = this.#idle[this.#idle.length - 1];
      this.#fill(writer);
      if (writer.count === 0) {
        this.#afterSettling(); // none was good
        continue;
      }
      this.#idle.pop();
      writer.send(this.#settle, (error) => {
        if (error) return this.onError(error);
        this.#idle.push(writer);
        this.#afterSettling();
        this.#pump();
      });
    }
  }

  // Enough is verified for a batch, and the next in turn is: with several threads it can be later.
  #ready() {
    const done = Atomics.load(this.#control, Control.DONE);
    const enough = done === this.#published || ((done - this.#judged) | 0) >= this.#waitRows;
    return enough && Atomics.load(this.#shared.verdicts, this.#judged & (SLOTS - 1)) !== Verdict.NONE;
  }

  #fill(writer) {
    const { verdicts } = this.#shared;
    while (this.#judged !== this.#published && !writer.full()) {
      const slot = this.#judged & (SLOTS - 1);
      const verdict = Atomics.load(verdicts, slot);
      if (verdict === Verdict.NONE) break;
      if (verdict === Verdict.GOOD) writer.add(slot);
      else this.#settleSlot(slot, Outcome.BAD_SIGNATURE);
      this.#judged = (this.#judged + 1) | 0;
    }
  }

  // Looks again when #ready() may have become true. While it is not, some thread has yet to count
  // DONE up, and sees ARMED then.
  #arm() {
    if (this.#armed) return;
    this.#armed = true;
    const control = this.#control;
    const wakes = Atomics.load(control, Control.WAKES);
    const more = (Atomics.load(control, Control.DONE) + 1 - this.#judged) | 0;
    Atomics.store(control, Control.WAKE_AT, (this.#judged + Math.max(more, this.#waitRows)) | 0);
    Atomics.store(control, Control.ARMED, 1);
    const wait = this.#ready() ? { async: false } : Atomics.waitAsync(control, Control.WAKES, wakes);
    if (wait.async) wait.value.then(() => this.#woken());
    else setImmediate(() => this.#woken());
  }

  #woken() {
    this.#armed = false;
    this.#pump();
  }

  #settleSlot(slot, outcome) {
    const source = this.#sources[slot];
    this.#sources[slot] = null;
    --this.#regionLeft[this.#regions[slot]];
    source.complete(this.#sequences[slot], outcome);
    if (!source.touched) {
      source.touched = true;
      this.#touched.push(source);
    }
  }

  #afterSettling() {
    while (this.#tail !== this.#judged && this.#sources[this.#tail & (SLOTS - 1)] === null) {
      this.#tail = (this.#tail + 1) | 0;
    }
    while (this.#regionTail !== this.#regionHead && this.#regionLeft[this.#regionTail & (SLOTS - 1)] === 0) {
      this.#arenaTail = this.#regionEnds[this.#regionTail & (SLOTS - 1)];
      this.#regionTail = (this.#regionTail + 1) | 0;
    }
    const touched = this.#touched;
    this.#touched = [];
    for (const source of touched) {
      source.touched = false;
      source.flush();
    }
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const source of waiting) source.retry();
    if (this.#whenEmpty && this.empty()) this.#whenEmpty();
  }
}
