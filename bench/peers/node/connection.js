// One client's connection in the binary mode of the wire protocol: bytes to transactions, outcomes
// to ACKs. It is a source of a Pipeline, or of a Dispatcher, which has the same methods.
import { Outcome, FRAME_MAX_BYTES, Type, WINDOW_TRANSACTIONS, ErrorCode } from './wire.js';
import * as wire from './wire.js';

const PREFACE = Buffer.from([0x00, 0x54, 0x58, 0x49]);
const NOTHING = Buffer.alloc(0);
const CHAIN_SOLANA = 1;
const FLAG_TIME = 1;
const FLAG_SLOT = 2;

const Expect = { PREFACE: 0, HELLO: 1, FRAMES: 2 };

// A client that is owed ACKs, and hears nothing, takes the server for dead after a while. Its PING may
// stand behind transactions for which there is no room yet.
const SILENCE_MAX_MS = 5000;

export function speakToWaiting(connections) {
  setInterval(() => {
    for (const connection of connections) connection.speakIfSilent();
  }, SILENCE_MAX_MS / 2).unref();
}

export class Connection {
  touched = false; // of the pipeline
  #socket;
  #pipeline;
  #expect = Expect.PREFACE;
  #rest = NOTHING; // bytes that came and are not taken yet
  #received = 0; // TX frames; also the sequence of the last one
  #upTo = 0; // acknowledged
  #outcomes = new Uint8Array(WINDOW_TRANSACTIONS); // 0: none yet, else 1 + outcome; by sequence
  #blocked = false; // reading is paused, until retry()
  #silent = false; // nothing was acknowledged since the last look
  #ending = null; // what goes out before the end, once all is acknowledged

  constructor(socket, pipeline, onEnd) {
    this.#socket = socket;
    this.#pipeline = pipeline;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#take(chunk));
    socket.on('error', () => {}); // 'close' follows
    socket.on('close', () => onEnd(this));
  }

  // Nothing more is read; what was received is acknowledged, then the connection ends.
  drain() {
    if (this.#ending !== null) return;
    if (this.#expect === Expect.FRAMES) this.#socket.write(wire.drain());
    this.#endWith(NOTHING);
  }

  complete(sequence, outcome) {
    this.#outcomes[sequence & (WINDOW_TRANSACTIONS - 1)] = outcome + 1;
  }

  flush() {
    const before = this.#upTo;
    const outcomes = this.#outcomes;
    const exceptions = [];
    for (;;) {
      const i = (this.#upTo + 1) & (WINDOW_TRANSACTIONS - 1);
      const outcome = outcomes[i] - 1;
      if (outcome < 0) break;
      outcomes[i] = 0;
      ++this.#upTo;
      if (outcome !== Outcome.COMMITTED) exceptions.push({ sequence: this.#upTo, outcome });
    }
    if (this.#upTo !== before && this.#socket.writable) {
      this.#socket.write(wire.acks(this.#upTo, exceptions));
      this.#silent = false;
    }
    this.#endIfDue();
  }

  speakIfSilent() {
    const waits = this.#upTo !== this.#received || this.#rest.length > 0;
    const canWrite = this.#socket.writable && !this.#socket.writableNeedDrain;
    if (this.#silent && waits && canWrite && this.#expect === Expect.FRAMES) {
      this.#socket.write(wire.acks(this.#upTo, []));
    }
    this.#silent = true;
  }

  retry() {
    this.#blocked = false;
    if (this.#ending !== null || this.#socket.destroyed) return;
    this.#take(NOTHING);
    if (!this.#blocked && this.#ending === null) this.#socket.resume();
  }

  #block() {
    if (this.#blocked) return;
    this.#blocked = true;
    this.#socket.pause();
    // A client that does not read its ACKs is not read either.
    if (this.#socket.writableNeedDrain) this.#socket.once('drain', () => this.retry());
    else this.#pipeline.waitForRoom(this);
  }

  #take(chunk) {
    if (this.#ending !== null) return;
    const n = this.#rest.length + chunk.length;
    if (this.#blocked || this.#socket.writableNeedDrain) return this.#keep(chunk);
    if (n === 0) return;
    const at = this.#pipeline.reserve(n);
    if (at < 0) return this.#keep(chunk);

    const { bytes } = this.#pipeline;
    if (this.#rest.length > 0) bytes.set(this.#rest, at);
    bytes.set(chunk, at + this.#rest.length);
    const end = at + n;
    const taken = this.#takeFrames(bytes, at, end);
    this.#pipeline.commit(taken - at);
    this.#rest = taken === end ? NOTHING : Buffer.from(bytes.subarray(taken, end));
    this.#pipeline.publish();
    // Those that were rejected at once.
    if (this.#outcomes[(this.#upTo + 1) & (WINDOW_TRANSACTIONS - 1)] !== 0) this.flush();
    this.#endIfDue();
  }

  #keep(chunk) {
    if (chunk.length > 0) this.#rest = Buffer.concat([this.#rest, chunk]);
    this.#block();
  }

  // To the end of the last whole frame for which there is room.
  #takeFrames(bytes, begin, end) {
    let at = begin;
    if (this.#expect === Expect.PREFACE) {
      if (end - at < PREFACE.length) return at;
      if (PREFACE.compare(bytes, at, at + PREFACE.length) !== 0) {
        this.#fail(ErrorCode.BAD_PREFACE, 'only the binary mode is spoken here');
        return end;
      }
      this.#expect = Expect.HELLO;
      at += PREFACE.length;
    }
    while (end - at >= 5 && this.#ending === null) {
      const length = (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
      if (length === 0 || length > FRAME_MAX_BYTES) {
        this.#fail(ErrorCode.BAD_FRAME, `a frame of ${length} bytes`);
        break;
      }
      const next = at + 4 + length;
      if (next > end) break;
      if (bytes[at + 4] !== Type.TX) {
        this.#takeControl(bytes[at + 4], bytes.subarray(at + 5, next));
      } else {
        if (this.#windowFull()) this.flush(); // it may be full of those that were rejected at once
        if (!this.#pipeline.hasSlot() || this.#windowFull()) {
          this.#block();
          break;
        }
        this.#takeTransaction(bytes, at + 5, next);
      }
      at = next;
    }
    return at;
  }

  #windowFull() {
    return this.#received - this.#upTo === WINDOW_TRANSACTIONS - 1;
  }

  #takeTransaction(bytes, begin, end) {
    const flags = bytes[begin + 1];
    const head = 2 + (flags & FLAG_TIME ? 8 : 0) + (flags & FLAG_SLOT ? 8 : 0);
    if (this.#expect !== Expect.FRAMES) {
      return this.#fail(ErrorCode.UNEXPECTED_FRAME, 'TX before HELLO');
    }
    if (end - begin < head || (flags & ~(FLAG_TIME | FLAG_SLOT)) !== 0) {
      return this.#fail(ErrorCode.BAD_FRAME, 'a TX that does not parse');
    }
    const sequence = ++this.#received;
    const outcome =
      bytes[begin] === CHAIN_SOLANA
        ? this.#pipeline.submit(this, sequence, begin + head, end)
        : Outcome.UNSUPPORTED;
    if (outcome !== Outcome.COMMITTED) this.complete(sequence, outcome);
  }

  #takeControl(type, body) {
    if (type === Type.HELLO) {
      if (this.#expect !== Expect.HELLO) return this.#fail(ErrorCode.UNEXPECTED_FRAME, 'a second HELLO');
      if (body.length < 3 || body.length !== 3 + body.readUInt16LE(1)) {
        return this.#fail(ErrorCode.BAD_FRAME, 'a HELLO that does not parse');
      }
      if (body[0] !== 1) return this.#fail(ErrorCode.UNSUPPORTED_VERSION, 'version 1 is spoken here');
      this.#expect = Expect.FRAMES;
      this.#socket.write(wire.welcome());
    } else if (this.#expect !== Expect.FRAMES) {
      this.#fail(ErrorCode.UNEXPECTED_FRAME, 'a frame before HELLO');
    } else if (type === Type.PING && body.length === 8) {
      this.#socket.write(wire.pong(body));
    } else if (type === Type.FINISH && body.length === 0) {
      this.#endWith(NOTHING);
    } else {
      this.#fail(ErrorCode.UNKNOWN_TYPE, `a frame of type ${type} and ${body.length} bytes`);
    }
  }

  #fail(code, message) {
    this.#endWith(wire.error(code, message));
  }

  #endWith(last) {
    this.#ending ??= last;
    this.#endIfDue();
  }

  #endIfDue() {
    if (this.#ending === null || this.#upTo !== this.#received || !this.#socket.writable) return;
    this.#socket.resume(); // to see its end
    this.#socket.end(this.#ending);
  }
}
