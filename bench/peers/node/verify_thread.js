// A thread that verifies: takes a few slots at a time, writes their verdicts, wakes the loop when it
// asked for that. No message is ever posted.
import { workerData } from 'node:worker_threads';
import { createVerify } from './verifiers.js';
import { Control, Slot, Slots, Verdict } from './slots.js';

const CLAIM = 16;

const { slots, arenaBytes, memory, verifier } = workerData;
const { control, fields, verdicts, bytes, mask } = new Slots(slots, arenaBytes, memory);
const verify = await createVerify(verifier);

function judge(slot) {
  const f = slot * Slot.FIELDS;
  const message = bytes.subarray(fields[f + Slot.MESSAGE], fields[f + Slot.MESSAGE_END]);
  const count = fields[f + Slot.SIGNATURE_COUNT];
  let signature = fields[f + Slot.SIGNATURES];
  let key = fields[f + Slot.KEYS];
  for (let i = 0; i < count; ++i, signature += 64, key += 32) {
    if (!verify(bytes.subarray(signature, signature + 64), message, bytes.subarray(key, key + 32))) {
      return Verdict.BAD;
    }
  }
  return Verdict.GOOD;
}

function wakeLoop() {
  const done = Atomics.load(control, Control.DONE);
  const enough = ((done - Atomics.load(control, Control.WAKE_AT)) | 0) >= 0;
  if (!enough && done !== Atomics.load(control, Control.HEAD)) return;
  if (Atomics.compareExchange(control, Control.ARMED, 1, 0) !== 1) return;
  Atomics.add(control, Control.WAKES, 1);
  Atomics.notify(control, Control.WAKES);
}

for (;;) {
  const taken = Atomics.load(control, Control.TAKEN);
  const head = Atomics.load(control, Control.HEAD);
  if (taken === head) {
    Atomics.wait(control, Control.HEAD, head);
    continue;
  }
  const n = Math.min(CLAIM, (head - taken) | 0);
  const next = (taken + n) | 0;
  if (Atomics.compareExchange(control, Control.TAKEN, taken, next) !== taken) continue;
  for (let i = taken; i !== next; i = (i + 1) | 0) {
    Atomics.store(verdicts, i & mask, judge(i & mask));
  }
  Atomics.add(control, Control.DONE, n);
  if (Atomics.load(control, Control.ARMED) === 1) wakeLoop();
}
