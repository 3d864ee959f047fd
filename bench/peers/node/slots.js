// The memory that a worker's loop and its verify threads share: one SharedArrayBuffer.
//
// Transactions stand in `bytes` as they came from the sockets, copied there once. Each has a slot,
// taken in turn by a counter that wraps: fields say where in `bytes` its parts are, the verdict says
// what became of it. Counters in `control`, all of them numbers of slots since the start, mod 2^32:
//
//   DONE <= TAKEN <= HEAD
//
//   HEAD    handed to the threads; the loop alone moves it, threads that have nothing to do wait on it
//   TAKEN   claimed by a thread
//   DONE    verified; with several threads not the first so many
//
// The loop asks to be woken: it sets WAKE_AT and then ARMED. The thread that sees DONE reach WAKE_AT,
// or nothing left, clears ARMED, counts WAKES up and notifies it.

export const Control = { HEAD: 0, TAKEN: 16, DONE: 32, WAKE_AT: 48, ARMED: 49, WAKES: 50, WORDS: 64 };

// Indexes into the fields of a slot; positions in `bytes`.
export const Slot = {
  BEGIN: 0,
  END: 1,
  SIGNATURES: 2,
  SIGNATURE_COUNT: 3,
  MESSAGE: 4,
  MESSAGE_END: 5,
  KEYS: 6, // the fee payer's first; those that sign stand before the others
  FIELDS: 8,
};

export const Verdict = { NONE: 0, GOOD: 1, BAD: 2 };

export class Slots {
  // `slots` is a power of two. With `memory`, a view of what another thread has made.
  constructor(slots, arenaBytes, memory) {
    const controlBytes = Control.WORDS * 4;
    const fieldBytes = slots * Slot.FIELDS * 4;
    this.slots = slots;
    this.arenaBytes = arenaBytes;
    this.mask = slots - 1;
    this.memory = memory ?? new SharedArrayBuffer(controlBytes + fieldBytes + slots + arenaBytes);
    this.control = new Int32Array(this.memory, 0, Control.WORDS);
    this.fields = new Int32Array(this.memory, controlBytes, slots * Slot.FIELDS);
    this.verdicts = new Uint8Array(this.memory, controlBytes + fieldBytes, slots);
    this.bytes = Buffer.from(this.memory, controlBytes + fieldBytes + slots, arenaBytes);
  }
}
