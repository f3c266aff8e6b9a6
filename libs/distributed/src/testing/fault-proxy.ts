/** A TCP proxy that misbehaves on command, so that tests meet the network as it is. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { FaultyLink, type LinkDirection, type ReplyDrop } from './faulty-link.js';

/** Where the real server is. */
export interface FaultProxyTarget {
  readonly host: string;
  readonly port: number;
}

/** What `dropNextReply` drops. */
export interface DropReplyOptions {
  /**
   * Leave the connection open: it then receives nothing more, as if its path back had died. Default
   * false: the connection is reset, so that a client which re-sends executes its command twice.
   */
  readonly keepOpen?: boolean;
  /** Only the reply to a request that contains this text in any case, e.g. `evalsha`. Default: the
   * next reply. */
  readonly to?: string;
}

/** The default port of the schemes that addresses use here. */
const DEFAULT_PORTS: Readonly<Record<string, number>> = {
  'redis:': 6379,
  'rediss:': 6379,
  'postgres:': 5432,
  'postgresql:': 5432,
  'http:': 80,
};

/** Below the ephemeral port ranges: elsewhere a client could connect to itself while we refuse. */
const FIRST_PORT = 15_000;
const PORTS = 17_000;

/**
 * Listens on a free port of 127.0.0.1 and passes every connection on to `target`, faithfully until a
 * fault is switched on. Faults add up; `heal()` ends them all.
 *
 * @param target the server, or its address: `redis://127.0.0.1:6379`
 * @example
 * const proxy = await createFaultProxy(redis.url);
 * const client = new Redis(proxy.url());
 * proxy.blackhole('down');
 */
export async function createFaultProxy(target: FaultProxyTarget | string): Promise<FaultProxy> {
  const proxy = new FaultProxy(typeof target === 'string' ? parseTarget(target) : target, target);
  await proxy.heal();
  return proxy;
}

/** See `createFaultProxy`. */
export class FaultProxy {
  /** Where clients connect to. */
  readonly host = '127.0.0.1';
  readonly #target: FaultProxyTarget;
  readonly #original: string | undefined;
  readonly #links = new Set<FaultyLink>();
  #port = 0;
  #server: Server | undefined;
  #latencyMs = 0;
  #blackhole: ReadonlySet<LinkDirection> = new Set();
  #drop: ReplyDrop | undefined;
  #droppedReplies = 0;
  #accepted = 0;

  /** @internal use `createFaultProxy` */
  constructor(target: FaultProxyTarget, original: FaultProxyTarget | string) {
    this.#target = target;
    this.#original = typeof original === 'string' ? original : undefined;
  }

  /** The port clients connect to; it stays the same after `refuse()` and `heal()`. */
  get port(): number {
    return this.#port;
  }

  /** How many connections are open now. */
  get connections(): number {
    return this.#links.size;
  }

  /** How many connections were accepted since the start. */
  get accepted(): number {
    return this.#accepted;
  }

  /** How many replies `dropNextReply` has swallowed. */
  get droppedReplies(): number {
    return this.#droppedReplies;
  }

  /**
   * `original` with the proxy's host and port.
   * @param original default the address given to `createFaultProxy`
   */
  url(original: string | undefined = this.#original): string {
    if (original === undefined)
      throw new TypeError('createFaultProxy() was given no address; pass one to url().');
    const url = new URL(original);
    url.hostname = this.host;
    url.port = String(this.#port);
    return url.href;
  }

  /** Adds `ms` to every round trip, by holding replies back. 0 ends it. */
  latency(ms: number): void {
    this.#latencyMs = ms;
    for (const link of this.#links) link.latencyMs = ms;
  }

  /** Cuts all connections with RST: both ends see ECONNRESET. */
  resetAll(): void {
    for (const link of this.#links) link.reset();
  }

  /** Closes all connections in good order (FIN). */
  closeAll(): void {
    for (const link of this.#links) link.close();
  }

  /** New connections get ECONNREFUSED. Open ones live on: add `resetAll()` to play a dead server. */
  refuse(): void {
    this.#server?.close();
    this.#server = undefined;
  }

  /**
   * Nothing gets through any more, and nobody is told: to the server (`up`), to the client (`down`)
   * or in both directions. As with a dead network path, bytes are not lost but wait: `heal()` lets
   * them arrive late. Holds for new connections too, which are accepted but stay mute.
   */
  blackhole(direction: LinkDirection | 'both'): void {
    this.#blackhole = new Set(direction === 'both' ? ['up', 'down'] : [direction]);
    for (const link of this.#links) link.blackhole(this.#blackhole);
  }

  /**
   * The server executes the next command, but its reply is lost. What is swallowed is all the server
   * sends at once; with several clients name the command by `to`. `droppedReplies` tells when.
   */
  dropNextReply(options: DropReplyOptions = {}): void {
    this.#drop = { keepOpen: options.keepOpen ?? false, to: options.to?.toLowerCase() };
    for (const link of this.#links) link.forgetRequests();
  }

  /** Ends all faults. Connections that lost bytes for good are reset, the others go on. */
  async heal(): Promise<void> {
    this.latency(0);
    this.#blackhole = new Set();
    this.#drop = undefined;
    for (const link of this.#links) link.heal();
    while (!this.#server) this.#server = await this.#listen(this.#port || randomPort());
  }

  /** Cuts all connections and frees the port. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    for (const link of this.#links) link.reset();
    if (server) await new Promise((resolve) => server.close(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Undefined when a random port was taken; a fixed one must be had. */
  async #listen(port: number): Promise<Server | undefined> {
    const server = createServer({ allowHalfOpen: true }, (client) => this.#accept(client));
    try {
      server.listen(port, this.host);
      await once(server, 'listening');
      this.#port = port;
      return server;
    } catch (error) {
      if (this.#port || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      return undefined;
    }
  }

  #accept(client: Socket): void {
    this.#accepted++;
    const server = connect({ ...this.#target, allowHalfOpen: true });
    const link = new FaultyLink(client, server, {
      latencyMs: this.#latencyMs,
      takeDrop: (requests) => this.#takeDrop(requests),
      onEnd: () => this.#links.delete(link),
    });
    this.#links.add(link);
    link.blackhole(this.#blackhole);
  }

  /** The drop order, if it is meant for a connection that has just sent `requests`. */
  #takeDrop(requests: string): ReplyDrop | undefined {
    const drop = this.#drop;
    if (!drop) return undefined;
    if (drop.to !== undefined && !requests.toLowerCase().includes(drop.to)) return undefined;
    this.#drop = undefined;
    this.#droppedReplies++;
    return drop;
  }
}

function parseTarget(address: string): FaultProxyTarget {
  const url = new URL(address);
  return { host: url.hostname, port: Number(url.port) || (DEFAULT_PORTS[url.protocol] ?? 0) };
}

function randomPort(): number {
  return FIRST_PORT + Math.floor(Math.random() * PORTS);
}
