/** One connection through the fault proxy: a pair of sockets and what is wrong between them. */
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** Towards the server, or back to the client. */
export type LinkDirection = 'up' | 'down';

/** An order to lose one reply. */
export interface ReplyDrop {
  readonly keepOpen: boolean;
  /** Lower case. */
  readonly to: string | undefined;
}

/** What a link asks of its proxy. */
export interface LinkOptions {
  /** Delay of replies, milliseconds. */
  readonly latencyMs: number;
  /** Asked for each reply; `requests` is what the client sent since the last one. */
  readonly takeDrop: (requests: string) => ReplyDrop | undefined;
  readonly onEnd: () => void;
}

/** Enough of the requests to recognise a command. */
const REQUESTS_KEPT = 64_000;

/** Passes bytes between a client and its server until told otherwise. */
export class FaultyLink {
  /** Delay of replies, milliseconds. */
  latencyMs: number;
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #options: LinkOptions;
  readonly #broken = new Set<Socket>();
  #blackhole: ReadonlySet<LinkDirection> = new Set();
  #requests = '';
  /** Replies on their way: each waits for the one before it. */
  #replies: Promise<unknown> = Promise.resolve();
  #held: (() => void)[] = [];
  /** Bytes of the reply stream are missing, so nothing after them may be delivered. */
  #torn = false;

  constructor(client: Socket, server: Socket, options: LinkOptions) {
    this.#client = client;
    this.#server = server;
    this.#options = options;
    this.latencyMs = options.latencyMs;
    client.on('data', (chunk: Buffer) => this.#onRequest(chunk));
    client.on('end', () => server.end());
    server.on('data', (chunk: Buffer) => this.#onReply(chunk));
    server.on('end', () => this.#deliver(() => client.end()));
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('error', () => this.#broken.add(socket));
      socket.on('close', () => this.#closed());
    }
  }

  /** Sets the directions in which nothing gets through; an empty set lets everything flow. */
  blackhole(directions: ReadonlySet<LinkDirection>): void {
    this.#blackhole = directions;
    // A paused socket keeps its bytes: they arrive late rather than never, as TCP would have it.
    flow(this.#client, !directions.has('up'));
    flow(this.#server, !directions.has('down'));
    if (!directions.has('down')) for (const release of this.#held.splice(0)) release();
    this.#closed();
  }

  /** Only requests from now on can be the one whose reply is dropped. */
  forgetRequests(): void {
    this.#requests = '';
  }

  /** Lets everything flow again; a torn stream cannot be repaired and is reset. */
  heal(): void {
    if (this.#torn) this.reset();
    else this.blackhole(new Set());
  }

  /** RST to both ends. */
  reset(): void {
    reset(this.#client);
    reset(this.#server);
  }

  /** FIN to both ends, and the end of both. */
  close(): void {
    this.#client.destroySoon();
    this.#server.destroySoon();
  }

  #onRequest(chunk: Buffer): void {
    this.#requests = (this.#requests + chunk.toString('latin1')).slice(-REQUESTS_KEPT);
    this.#server.write(chunk);
  }

  #onReply(chunk: Buffer): void {
    const drop = this.#options.takeDrop(this.#requests);
    this.#requests = '';
    if (!drop) {
      this.#deliver(() => this.#client.write(chunk));
      return;
    }
    this.#torn = true;
    if (!drop.keepOpen) this.reset();
  }

  /** Runs `send` after the latency, and after everything that was sent before it. */
  #deliver(send: () => void): void {
    if (this.#torn) return;
    // Counted from now for each reply, so that a burst is late by one latency and not by many.
    const arrival =
      this.latencyMs > 0 ? delay(this.latencyMs, undefined, { ref: false }) : undefined;
    this.#replies = this.#replies.then(async () => {
      await arrival;
      while (this.#blackhole.has('down'))
        await new Promise<void>((release) => this.#held.push(release));
      if (!this.#torn && this.#client.writable) send();
    });
  }

  /** Tells one end that the other has broken, unless a black hole is between them. */
  #closed(): void {
    if (this.#broken.has(this.#client) && !this.#blackhole.has('up')) reset(this.#server);
    if (this.#broken.has(this.#server) && !this.#blackhole.has('down')) reset(this.#client);
    if (this.#client.destroyed && this.#server.destroyed) this.#options.onEnd();
  }
}

function flow(socket: Socket, open: boolean): void {
  if (open) socket.resume();
  else socket.pause();
}

/** RST; libuv refuses one after a FIN and would leave the handle open, spinning. */
function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
