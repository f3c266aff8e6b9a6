/**
 * Watches the connections of one shard: a statement without an answer leads to the question whether
 * the server is alive at all, so a dead shard is noticed in seconds and a slow query is left alone.
 */
import type { Clock, Timer } from '../time/index.js';
import { type ShardFailure, ShardUnavailableError } from './partition.errors.js';
import { partitionEvents } from './partition.events.js';
import {
  isPostgresAnswer,
  isPostgresShutdown,
  type PgClient,
  type PgClientClass,
  withConnectTimeout,
} from './pg-client.js';

/** What the watch of a shard depends on. */
export interface WatchParts {
  readonly shard: string;
  readonly clock: Clock;
  /** How long opening a connection may take. */
  readonly connectTimeoutMs: number;
  /** Silence after which the server is asked whether it is alive. */
  readonly silenceMs: number;
  /** The longest a statement may take on a live server. */
  readonly deadlineMs: number;
  /** Rejects when the server does not answer. */
  readonly check: () => Promise<void>;
}

/** The connections of one shard. */
export class ConnectionWatch {
  readonly #parts: WatchParts;
  readonly #open = new Set<PgClient>();
  readonly #leased = new Set<PgClient>();

  constructor(parts: WatchParts) {
    this.#parts = parts;
  }

  /** A client class for the pool whose statements are watched. */
  clientClass(Base: PgClientClass): PgClientClass {
    const open = this.#open;
    const { connectTimeoutMs } = this.#parts;
    const follow = (client: PgClient, result: Promise<unknown>): Promise<unknown> =>
      this.#follow(client, result);
    return class WatchedClient extends Base {
      constructor(config: object) {
        super(withConnectTimeout(config, connectTimeoutMs));
        open.add(this);
        this.once('end', () => open.delete(this));
      }

      override query(...args: unknown[]): unknown {
        const result = super.query(...args);
        // Streams and callbacks have no promise; their errors arrive on their own channel.
        return result instanceof Promise ? follow(this, result as Promise<unknown>) : result;
      }
    };
  }

  /** A connection left the pool. */
  lease(client: PgClient): void {
    this.#leased.add(client);
  }

  /** A connection went back to the pool. */
  giveBack(client: PgClient): void {
    this.#leased.delete(client);
  }

  /** Closes the connections nobody uses: after an outage they may be dead without knowing it. */
  severIdle(): void {
    for (const client of this.#open) if (!this.#leased.has(client)) sever(client);
  }

  /** Closes every connection now. */
  severAll(): void {
    for (const client of this.#open) sever(client);
  }

  /** Resolves when all connections are closed; a dead server says no goodbye and is not waited for. */
  async drain(timeoutMs: number): Promise<void> {
    const timer = this.#parts.clock.setTimer(() => this.severAll(), timeoutMs, { keepAlive: true });
    const ended = [...this.#open].map(
      (client) => new Promise<void>((resolve) => client.once('end', resolve)),
    );
    await Promise.all(ended);
    timer.cancel();
  }

  /** The failure as the caller gets it. */
  failure(reason: ShardFailure, cause: unknown): ShardUnavailableError {
    const { shard } = this.#parts;
    partitionEvents.emit('shardFailure', () => ({ shard, reason }));
    return new ShardUnavailableError(shard, reason, { executed: 'unknown', cause });
  }

  async #follow(client: PgClient, result: Promise<unknown>): Promise<unknown> {
    const { clock, silenceMs, deadlineMs, check } = this.#parts;
    let pending = true;
    let severed = false;
    const giveUp = (): void => {
      if (!pending) return;
      severed = true;
      sever(client);
    };
    const keepWaiting = (): void => {
      if (pending) timer = clock.setTimer(giveUp, Math.max(0, deadlineMs - silenceMs));
    };
    let timer: Timer = clock.setTimer(
      silenceMs < deadlineMs ? () => void check().then(keepWaiting, giveUp) : giveUp,
      Math.min(silenceMs, deadlineMs),
    );
    try {
      return await result;
    } catch (error) {
      // A server that shuts down says so before it closes the connection.
      const lost =
        isPostgresShutdown(error) ||
        (client.connection.stream.destroyed && !isPostgresAnswer(error));
      if (!lost) throw error;
      // Marks the client at once, or the pool would hand the dying connection to the next caller.
      void client.end().catch(() => undefined);
      throw this.failure(severed ? 'silent' : 'lost', error);
    } finally {
      pending = false;
      timer.cancel();
    }
  }
}

function sever(client: PgClient): void {
  client.connection.stream.destroy();
}
