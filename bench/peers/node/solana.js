// Where things stand in a Solana transaction: legacy, v0 and v1. Bounds and counts are checked;
// the finer rules of the chain (which index may point where) are not, txindexd alone does that.
import { Outcome } from './wire.js';
import { Slot } from './slots.js';

const SIGNATURE_BYTES = 64;
const KEY_BYTES = 32;
const PACKET_MAX_BYTES = 1232;
const V1_MAX_BYTES = 4096;
const V1_SIGNATURES_MAX = 12;
const V1_ADDRESSES_AT = 1 + 3 + 4 + 32 + 2;

// Of the transaction that is being parsed. Bytes behind its end are someone else's, so a position
// is compared with the end before what was read there has an effect.
let bytes;
let at = 0;

// 1 to 3 bytes of 7 bits. -1: not in its shortest form, or too large.
function compactU16() {
  const a = bytes[at++];
  if (a < 0x80) return a;
  const b = bytes[at++];
  if (b === 0) return -1;
  if (b < 0x80) return (a & 0x7f) | (b << 7);
  const c = bytes[at++];
  if (c === 0 || c > 3) return -1;
  return (a & 0x7f) | ((b & 0x7f) << 7) | (c << 14);
}

function skipCounted() {
  const n = compactU16();
  at += n;
  return n >= 0;
}

function skipInstructions(end) {
  for (let n = compactU16(); n !== 0; --n) {
    ++at; // the program
    if (n < 0 || at > end || !skipCounted() || at > end || !skipCounted()) return false;
  }
  return at <= end;
}

function skipLookups(end) {
  for (let n = compactU16(); n !== 0; --n) {
    at += KEY_BYTES;
    if (n < 0 || at > end || !skipCounted() || at > end || !skipCounted()) return false;
  }
  return at <= end;
}

// Writes the fields of Slot, from index `slot` of `fields` on, and returns an Outcome; COMMITTED: it
// can be verified. `memory` is a Uint8Array.
export function parse(memory, begin, end, fields, slot) {
  if (begin === end) return Outcome.MALFORMED;
  bytes = memory;
  fields[slot + Slot.BEGIN] = begin;
  fields[slot + Slot.END] = end;
  if (memory[begin] === 0x81) return parseV1(begin, end, fields, slot);
  if (end - begin > PACKET_MAX_BYTES) return Outcome.TOO_LARGE;

  const signatures = memory[begin];
  const message = begin + 1 + signatures * SIGNATURE_BYTES;
  if (signatures === 0 || signatures > 127 || message + 5 > end) return Outcome.MALFORMED;
  at = message;
  const versioned = (memory[at] & 0x80) !== 0;
  if (versioned && memory[at++] !== 0x80) return Outcome.UNSUPPORTED;
  const required = memory[at];
  const readonlySigned = memory[at + 1];
  const readonlyUnsigned = memory[at + 2];
  at += 3;
  const keys = compactU16();
  if (keys < 0 || required !== signatures || readonlySigned >= required) return Outcome.MALFORMED;
  if (required + readonlyUnsigned > keys) return Outcome.MALFORMED;
  fields[slot + Slot.SIGNATURES] = begin + 1;
  fields[slot + Slot.SIGNATURE_COUNT] = signatures;
  fields[slot + Slot.MESSAGE] = message;
  fields[slot + Slot.MESSAGE_END] = end;
  fields[slot + Slot.KEYS] = at;
  at += (keys + 1) * KEY_BYTES; // and the blockhash
  if (at > end || !skipInstructions(end)) return Outcome.MALFORMED;
  if (versioned && !skipLookups(end)) return Outcome.MALFORMED;
  return at === end ? Outcome.COMMITTED : Outcome.MALFORMED;
}

// The signatures stand last, without a count of their own.
function parseV1(begin, end, fields, slot) {
  if (end - begin > V1_MAX_BYTES) return Outcome.TOO_LARGE;
  const signatures = bytes[begin + 1];
  const addresses = bytes[begin + V1_ADDRESSES_AT - 1];
  const first = end - signatures * SIGNATURE_BYTES;
  const keys = begin + V1_ADDRESSES_AT;
  if (signatures === 0 || signatures > V1_SIGNATURES_MAX) return Outcome.MALFORMED;
  if (signatures > addresses || keys + addresses * KEY_BYTES > first) return Outcome.MALFORMED;
  fields[slot + Slot.SIGNATURES] = first;
  fields[slot + Slot.SIGNATURE_COUNT] = signatures;
  fields[slot + Slot.MESSAGE] = begin;
  fields[slot + Slot.MESSAGE_END] = first;
  fields[slot + Slot.KEYS] = keys;
  return Outcome.COMMITTED;
}
