/** Ports for servers that several runs start at the same time. */
import { createServer } from 'node:net';
import { ServerStartError } from './server.errors.js';

/**
 * Below the ephemeral ranges of Linux and macOS. A port from the ephemeral range can be taken by
 * any outgoing connection while its server restarts, even by a client that reconnects to itself.
 * Also below 55536, so that Redis Cluster can add 10000 for its bus.
 */
const FIRST_PORT = 15_000;
const PORTS = 17_000;

/** A TCP port of 127.0.0.1 that nobody listens on right now. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS);
    if (await isFree(port)) return port;
  }
}

/**
 * Starts a server on a free port; when another process takes the port first, on another one.
 * @throws ServerStartError after ten ports, or at once for any other failure
 */
export async function onFreePort<T>(start: (port: number) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(await freePort());
    } catch (error) {
      const taken = error instanceof ServerStartError && error.portTaken;
      if (!taken || attempt === 10) throw error;
    }
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
      .once('error', () => resolve(false))
      .once('listening', () => probe.close(() => resolve(true)));
    probe.listen(port, '127.0.0.1');
  });
}
