// The peer of txindexd in its benchmarks: see ../README.md. This process starts the workers, and in
// the IPC form takes the connections.
import cluster from 'node:cluster';
import net from 'node:net';
import { once } from 'node:events';
import { HELP, readOptions } from './options.js';
import { runWorker } from './worker.js';
import { createTable } from './store.js';
import { Connection, speakToWaiting } from './connection.js';
import { Dispatcher } from './ipc.js';

let stopping = false;

// Ends the process when the last worker has ended; with 1 if one did so by itself.
function watchWorkers(workers) {
  let left = workers.length;
  for (const worker of workers) {
    worker.on('exit', (code) => {
      if (code !== 0 || !stopping) process.exitCode = 1;
      if (!stopping) stopWorkers(workers);
      if (--left === 0) process.exit();
    });
  }
}

function stopWorkers(workers) {
  stopping = true;
  for (const worker of workers) if (!worker.isDead()) worker.process.kill('SIGTERM');
}

// Until each has said that it is ready. (The event 'listening' does not come with reusePort.)
async function startWorkers(options, workers) {
  for (let i = 0; i < options.workers; ++i) workers.push(cluster.fork());
  watchWorkers(workers);
  await Promise.all(workers.map((worker) => once(worker, 'message')));
}

async function runCluster(options) {
  const workers = [];
  process.once('SIGTERM', () => stopWorkers(workers));
  await startWorkers(options, workers);
}

async function runIpc(options) {
  const workers = [];
  const connections = new Set();
  await startWorkers(options, workers);
  const dispatcher = new Dispatcher(workers);
  const server = net.createServer({ noDelay: true }, (socket) => {
    connections.add(new Connection(socket, dispatcher, (gone) => connections.delete(gone)));
  });
  speakToWaiting(connections);
  process.once('SIGTERM', async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const connection of connections) connection.drain();
    await dispatcher.emptied();
    await closed;
    stopWorkers(workers);
  });
  server.listen({ host: options.host, port: options.port, backlog: 1024 });
  await once(server, 'listening');
}

async function runPrimary(options) {
  await createTable(options.database);
  await (options.ipc ? runIpc(options) : runCluster(options));
  console.log(`listening on ${options.host}:${options.port}`);
}

let options;
try {
  options = readOptions(process.argv.slice(2));
} catch (error) {
  console.error(`run.sh: ${error.message}; --help tells more`);
  process.exit(2);
}
if (options === null) {
  process.stdout.write(HELP);
  process.exit(0);
}
try {
  await (cluster.isPrimary ? runPrimary(options) : runWorker(options));
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
