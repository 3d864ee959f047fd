// A worker process: accepts connections itself, or, in the IPC form, is sent transactions by the
// primary.
import net from 'node:net';
import { once } from 'node:events';
import { Pipeline } from './pipeline.js';
import { Connection, speakToWaiting } from './connection.js';
import { IpcSource } from './ipc.js';

function fail(error) {
  console.error(`worker ${process.pid}: ${error.message}`);
  process.exit(1);
}

async function accept(options, pipeline) {
  const connections = new Set();
  const server = net.createServer({ noDelay: true }, (socket) => {
    connections.add(new Connection(socket, pipeline, (gone) => connections.delete(gone)));
  });
  speakToWaiting(connections);
  server.listen({ host: options.host, port: options.port, reusePort: true, backlog: 1024 });
  await once(server, 'listening');
  return async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const connection of connections) connection.drain();
    await pipeline.emptied();
    await closed;
  };
}

function receive(pipeline) {
  const source = new IpcSource(pipeline);
  process.on('message', (message) => source.take(message));
  return () => pipeline.emptied();
}

export async function runWorker(options) {
  // The primary is gone: nobody would end this process.
  process.on('disconnect', () => process.exit(1));
  const pipeline = new Pipeline(options, fail);
  await pipeline.start(options);
  const drain = await (options.ipc ? receive(pipeline) : accept(options, pipeline));
  process.once('SIGTERM', async () => {
    await drain();
    await pipeline.stop();
    process.exit(0);
  });
  process.send({ ready: true });
}
