/** Ports for servers that several runs start at the same time. */
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { ServerStartError } from './server.errors.js';

/**
 * Below the ephemeral ranges of Linux and macOS. A port from the ephemeral range can be taken by
 * any outgoing connection while its server restarts, even by a client that reconnects to itself.
 * Also below 55536, so that Redis Cluster can add 10000 for its bus.
 */
const FIRST_PORT = 15_000;
const PORTS = 17_000;

/**
 * A TCP port of 127.0.0.1 that nobody listens on, and that nobody else who asks here gets while this
 * process lives: not while its server is still booting, nor while it is down for a restart.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS);
    if ((await claim(port)) && (await isFree(port))) return port;
  }
}

/**
 * Starts a server on a free port; when a stranger takes the port first, on another one.
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

/** The UDP port of the same number stands for the claim: the system gives it to one process only. */
function claim(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4')
      .once('error', () => resolve(false))
      .once('listening', () => {
        socket.unref();
        resolve(true);
      });
    socket.bind({ port, address: '127.0.0.1', exclusive: true });
  });
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
      .once('error', () => resolve(false))
      .once('listening', () => probe.close(() => resolve(true)));
    probe.listen(port, '127.0.0.1');
  });
}
