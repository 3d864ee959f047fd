// What can be set, for server.js. run.sh shows the same text.
import { parseArgs } from 'node:util';

export const HELP = `Usage: run.sh [options]

  --listen HOST:PORT     default 127.0.0.1:9410
  --database URL         postgresql://USER@HOST:PORT/DATABASE, or with a folder of sockets,
                         postgresql:///DATABASE?host=DIR&port=PORT&user=USER (required)
  --workers N            processes that verify and store; default 2
  --verify-threads N     in each of them; default 2
  --verifier NAME        sodium (default) or crypto, Node's own
  --writers N            connections to PostgreSQL of each worker; default 1
  --batch-rows N         most rows of one statement; default 2000
  --batch-wait-rows N    rows that an idle writer waits for while signatures are still being
                         verified; default 1000
  --ipc                  the older form: the primary takes all connections and hands each
                         transaction to a worker in a message, JSON with base64
  --build DIR            run.sh only: where packages are installed; default build/peers/node
  --help

The table peer_transactions is made in the database if it is not there. Ready when it says
"listening on HOST:PORT"; SIGTERM ends it, after what it has received is acknowledged.
`;

function count(values, name, least, most) {
  const n = Number(values[name]);
  if (!Number.isInteger(n) || n < least || n > most) {
    throw new Error(`--${name} must be a whole number from ${least} to ${most}`);
  }
  return n;
}

// Throws an Error with what to say. null: --help was asked for.
export function readOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      listen: { type: 'string', default: '127.0.0.1:9410' },
      database: { type: 'string' },
      workers: { type: 'string', default: '2' },
      'verify-threads': { type: 'string', default: '2' },
      verifier: { type: 'string', default: 'sodium' },
      writers: { type: 'string', default: '1' },
      'batch-rows': { type: 'string', default: '2000' },
      'batch-wait-rows': { type: 'string', default: '1000' },
      ipc: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  if (!values.database) throw new Error('--database is missing');
  if (!['sodium', 'crypto'].includes(values.verifier)) {
    throw new Error('--verifier must be sodium or crypto');
  }
  const colon = values.listen.lastIndexOf(':');
  const host = values.listen.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  const port = Number(values.listen.slice(colon + 1));
  // Workers that each took a free port would not share one.
  if (colon < 1 || !Number.isInteger(port) || port < 1 || port > 65535) {
    throw new Error('--listen must be HOST:PORT, the port not 0');
  }
  return {
    host,
    port,
    database: values.database,
    workers: count(values, 'workers', 1, 64),
    verifyThreads: count(values, 'verify-threads', 1, 64),
    verifier: values.verifier,
    writers: count(values, 'writers', 1, 16),
    batchRows: count(values, 'batch-rows', 1, 2048),
    batchWaitRows: count(values, 'batch-wait-rows', 1, 2048),
    ipc: values.ipc,
  };
}
