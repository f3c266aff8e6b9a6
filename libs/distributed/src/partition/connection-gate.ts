/**
 * Stands before the pool of one shard: nobody asks a dead shard for a connection, and those who wait
 * for one are sent away the moment the shard is found dead.
 */
import type { ConnectionWatch } from './connection-watch.js';
import { isPostgresAnswer, type PgClient } from './pg-client.js';
import type { ShardAvailability } from './shard-availability.js';

/** A connection and the way to give it back, as TypeORM's driver hands them out. */
export type Lease = [client: PgClient, release: (error?: Error) => void];

/** The words of pg-pool for "all connections are in use". */
const POOL_BUSY = 'timeout exceeded when trying to connect';

/** The gate of one shard. It guards only between `guard()` and `release()`. */
export class ConnectionGate {
  readonly #availability: ShardAvailability;
  readonly #watch: ConnectionWatch;
  readonly #waiting = new Set<(error: Error) => void>();
  #guarding = false;

  constructor(availability: ShardAvailability, watch: ConnectionWatch) {
    this.#availability = availability;
    this.#watch = watch;
  }

  /** From now on the shard's state decides; before, the driver is still initializing. */
  guard(): void {
    this.#guarding = true;
  }

  /** From now on errors pass as they are: the pool is being closed. */
  release(): void {
    this.#guarding = false;
  }

  /** Fails everybody who waits for a connection. */
  failWaiting(): void {
    for (const reject of this.#waiting) reject(this.#availability.refusal('unknown'));
  }

  /**
   * A connection of the pool.
   * @throws ShardUnavailableError `E_PARTITION_SHARD_UNAVAILABLE`
   */
  async obtain(ask: () => Promise<Lease>): Promise<Lease> {
    if (!this.#guarding) return ask();
    if (!this.#availability.isUp) throw this.#availability.refusal('unknown');
    const [client, release] = await this.#wait(ask());
    this.#watch.lease(client);
    return [
      client,
      (error) => {
        this.#watch.giveBack(client);
        release(error);
      },
    ];
  }

  #wait(asked: Promise<Lease>): Promise<Lease> {
    return new Promise<Lease>((resolve, reject) => {
      let waiting = true;
      const sendAway = (error: Error): void => {
        waiting = false;
        reject(error);
      };
      this.#waiting.add(sendAway);
      asked
        .then(
          // Too late for the one who asked: the connection must not leave the pool for ever.
          (lease) => (waiting ? resolve(lease) : lease[1]()),
          (cause: unknown) => reject(this.#explain(cause)),
        )
        .finally(() => this.#waiting.delete(sendAway));
    });
  }

  #explain(cause: unknown): unknown {
    if (!this.#guarding) return cause;
    if (cause instanceof Error && cause.message === POOL_BUSY)
      return this.#watch.failure('busy', cause);
    // One failed connection is not yet a dead shard: ask before refusing everybody.
    if (!isPostgresAnswer(cause)) void this.#availability.check().catch(() => undefined);
    return this.#watch.failure('unreachable', cause);
  }
}
