/** The connection for calls: watches the client's state, and keeps it honest by a heartbeat. */
import type { EventEmitter } from 'node:events';
import type { Redis } from 'ioredis';
import type { Clock } from '../time/index.js';
import { RedisCalls } from './redis-calls.js';
import { RedisGate } from './redis-gate.js';
import { destroySocket, RedisHeartbeat } from './redis-heartbeat.js';
import { RedisUnavailableError } from './redis.errors.js';
import { type RedisRole, redisStateChannel, type RedisStateEvent } from './redis.events.js';
import { isClusterClient, type RedisClient, type RedisSettings } from './redis.options.js';

/** How long `close` waits for replies under way. */
const FAREWELL_MS = 1_000;

/** Owns the client, the gate before it and the calls on it. */
export class RedisLink {
  /** Whether calls may pass. */
  readonly gate: RedisGate;
  /** The calls that wait for a reply. */
  readonly calls: RedisCalls;
  readonly #client: RedisClient;
  readonly #owned: boolean;
  readonly #settings: RedisSettings;
  readonly #clock: Clock;
  readonly #heartbeat: RedisHeartbeat;
  #lastError: Error | undefined;
  #wasUp = false;

  constructor(
    client: RedisClient,
    owned: boolean,
    settings: RedisSettings,
    clock: Clock,
    private readonly role: RedisRole = 'commands',
  ) {
    this.#client = client;
    this.#owned = owned;
    this.#settings = settings;
    this.#clock = clock;
    this.gate = new RedisGate(() => client.status === 'ready', clock, settings.offlineTimeout);
    this.calls = new RedisCalls(clock);
    this.#heartbeat = new RedisHeartbeat(() => nodesOf(client), clock, {
      role,
      intervalMs: settings.heartbeatInterval,
      timeoutMs: settings.heartbeatTimeout,
      connectMs: settings.connectTimeout,
    });
    this.#listen('on');
    if (client.status === 'ready') this.#up();
  }

  /**
   * Waits until the client is ready, at most `bootTimeout`.
   * @throws RedisUnavailableError
   */
  async connect(): Promise<void> {
    // A client that the application made may block on purpose, and its sockets are not ours to cut.
    if (this.#owned) {
      for (const node of nodesOf(this.#client)) this.#heartbeat.watchConnecting(node);
      this.#heartbeat.start();
    }
    // ioredis tries again by itself; the state tells when it has succeeded.
    if (this.#client.status === 'wait') this.#client.connect().catch(() => {});
    const { bootTimeout } = this.#settings;
    if (bootTimeout === 0 || (await this.gate.wait(bootTimeout)) === 'open') return;
    throw new RedisUnavailableError(
      { label: 'connect', executed: 'no', cause: this.#lastError },
      `${addressOf(this.#settings)} was not ready within ${bootTimeout} ms` +
        `${this.#lastError ? ` (${this.#lastError.message})` : ''}. ` +
        'Start it, or correct the option redis',
    );
  }

  /** To be told when a call got no reply in time. */
  suspect(): void {
    if (this.#owned) this.#heartbeat.probe();
  }

  /** Whether ioredis sends unanswered commands again by itself after a reconnect. */
  get #resendsByItself(): boolean {
    return (
      !isClusterClient(this.#client) && this.#client.options.autoResendUnfulfilledCommands === true
    );
  }

  /** The client's last error, for messages. */
  get lastError(): Error | undefined {
    return this.#lastError;
  }

  /** Settles all calls and, if the client is ours, ends the connection. */
  async close(): Promise<void> {
    if (this.gate.closed) return;
    this.gate.close();
    this.#heartbeat.stop();
    if (this.#owned) await this.#farewell();
    this.calls.loseAll();
    this.#listen('off');
    // The socket's last error must not find a client without listener.
    if (this.#owned) this.#client.on('error', () => {});
  }

  async #farewell(): Promise<void> {
    if (this.#client.status === 'ready') {
      // QUIT is answered after everything that was sent before it.
      const quit = this.calls.attempt(() => this.#client.quit(), this.#clock.now() + FAREWELL_MS);
      await quit;
    }
    const nodes = nodesOf(this.#client);
    this.#client.disconnect();
    for (const node of nodes)
      if (node.status !== 'end' && node.status !== 'wait') destroySocket(node);
  }

  #listen(change: 'on' | 'off'): void {
    const client: EventEmitter = this.#client;
    client[change]('ready', this.#up);
    client[change]('close', this.#down);
    client[change]('end', this.#down);
    client[change]('error', this.#failed);
    client[change]('+node', this.#joined);
  }

  readonly #up = (): void => {
    this.gate.up();
    this.#change('up');
  };

  readonly #down = (): void => {
    this.gate.down();
    if (!this.#resendsByItself) this.calls.loseAll();
    this.#change('down');
  };

  readonly #failed = (error: Error): void => {
    this.#lastError = error;
  };

  /** A node of a Cluster. */
  readonly #joined = (node: Redis): void => this.#heartbeat.watchConnecting(node);

  #change(state: 'up' | 'down'): void {
    if (this.#wasUp === (state === 'up')) return;
    this.#wasUp = state === 'up';
    if (!redisStateChannel.hasSubscribers) return;
    const reason = state === 'down' ? this.#lastError?.message : undefined;
    const event: RedisStateEvent = { role: this.role, state, reason };
    redisStateChannel.publish(event);
  }
}

function nodesOf(client: RedisClient): Redis[] {
  return isClusterClient(client) ? client.nodes('all') : [client];
}

/** Host and port only: an address may hold a password. */
function addressOf(settings: RedisSettings): string {
  switch (settings.kind) {
    case 'url':
      return `Redis at ${new URL(settings.url).host}`;
    case 'sentinels':
      return `the master '${settings.name}'`;
    case 'cluster':
      return 'the Redis Cluster';
    case 'client':
      return 'the client given in the option redis';
  }
}
