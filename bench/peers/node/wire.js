// The figures of txindexd's wire protocol, version 1 (see the repository's README), and the frames
// that a server sends.

export const FRAME_MAX_BYTES = 32 * 1024;
export const WINDOW_TRANSACTIONS = 8192; // a power of two
const WINDOW_BYTES = 8 * 1024 * 1024;

export const Type = { HELLO: 0x01, TX: 0x02, PING: 0x03, FINISH: 0x04 };
const WELCOME = 0x81;
const ACK = 0x82;
const ERROR = 0x83;
const PONG = 0x84;
const DRAIN = 0x85;

export const Outcome = {
  COMMITTED: 0,
  DUPLICATE: 1,
  MALFORMED: 2,
  BAD_SIGNATURE: 3,
  UNSUPPORTED: 4,
  TOO_LARGE: 5,
};

export const ErrorCode = {
  BAD_PREFACE: 1,
  BAD_FRAME: 2,
  UNKNOWN_TYPE: 3,
  UNEXPECTED_FRAME: 4,
  UNSUPPORTED_VERSION: 5,
};

const ACK_EXCEPTION_BYTES = 9;
const ACK_EXCEPTIONS_MAX = Math.floor((FRAME_MAX_BYTES - 13) / ACK_EXCEPTION_BYTES);

function frame(type, bodyBytes) {
  const out = Buffer.allocUnsafe(5 + bodyBytes);
  out.writeUInt32LE(1 + bodyBytes, 0);
  out[4] = type;
  return out;
}

// `value` is a whole number below 2^53.
function writeU64(out, value, at) {
  out.writeUInt32LE(value >>> 0, at);
  out.writeUInt32LE(Math.floor(value / 2 ** 32), at + 4);
}

export function welcome() {
  const out = frame(WELCOME, 17);
  out[5] = 1;
  out.writeUInt32LE(FRAME_MAX_BYTES, 6);
  out.writeUInt32LE(WINDOW_TRANSACTIONS, 10);
  writeU64(out, WINDOW_BYTES, 14);
  return out;
}

function ack(upTo, exceptions, begin, end) {
  const out = frame(ACK, 12 + (end - begin) * ACK_EXCEPTION_BYTES);
  writeU64(out, upTo, 5);
  out.writeUInt32LE(end - begin, 13);
  let at = 17;
  for (let i = begin; i < end; ++i, at += ACK_EXCEPTION_BYTES) {
    writeU64(out, exceptions[i].sequence, at);
    out[at + 8] = exceptions[i].outcome;
  }
  return out;
}

// `exceptions` in the order of their sequence, [{sequence, outcome}]. As many frames as they need:
// each but the last covers what it lists and nothing further.
export function acks(upTo, exceptions) {
  if (exceptions.length <= ACK_EXCEPTIONS_MAX) return ack(upTo, exceptions, 0, exceptions.length);
  const out = [];
  for (let begin = 0; begin < exceptions.length; begin += ACK_EXCEPTIONS_MAX) {
    const end = Math.min(begin + ACK_EXCEPTIONS_MAX, exceptions.length);
    const last = end === exceptions.length;
    out.push(ack(last ? upTo : exceptions[end - 1].sequence, exceptions, begin, end));
  }
  return Buffer.concat(out);
}

export function error(code, message) {
  const text = Buffer.from(message);
  const out = frame(ERROR, 2 + text.length);
  out.writeUInt16LE(code, 5);
  text.copy(out, 7);
  return out;
}

export function pong(opaque) {
  const out = frame(PONG, 8);
  out.set(opaque, 5);
  return out;
}

export const drain = () => frame(DRAIN, 0);
