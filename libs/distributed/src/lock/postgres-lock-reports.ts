/** Reports from PostgreSQL: LISTEN on one connection, opened again when it is lost. */
import { createHash } from 'node:crypto';
import type { Clock, Timer } from '../time/index.js';
import type { LockStoreListener } from './lock.store.js';
import {
  backendError,
  connect,
  type PostgresLockClient,
  type PostgresLockPool,
} from './postgres-lock-pool.js';

/** Waiters poll meanwhile, so there is no hurry. */
const REOPEN_MS = 1_000;

/** Listens for one process. */
export class PostgresLockReports {
  readonly #channel: string;
  #client: PostgresLockClient | undefined;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(
    private readonly pool: PostgresLockPool,
    private readonly clock: Clock,
    process: string,
    private readonly listener: LockStoreListener,
  ) {
    // A name of fixed length and harmless characters; distributed_lock_tell() makes the same.
    const hash = createHash('sha256').update(process).digest('hex').slice(0, 32);
    this.#channel = `distributed_lock_${hash}`;
  }

  /**
   * Resolves when reports flow.
   * @throws LockBackendError `E_LOCK_BACKEND` when they cannot
   */
  async start(): Promise<void> {
    const client = await connect(this.pool);
    if (this.#stopped) {
      client.release();
      return;
    }
    this.#client = client;
    const lost = (): void => this.#lost(client);
    client.on('error', lost);
    client.on('end', lost);
    client.on('notification', ({ payload = '' }) => this.#report(payload));
    try {
      await client.query(`LISTEN ${this.#channel}`);
    } catch (error) {
      this.#drop(client);
      throw backendError(error, 'no');
    }
  }

  /** Ends the reports; its connection is closed, for it listens. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    if (this.#client) this.#drop(this.#client);
  }

  #report(payload: string): void {
    const [what, owner = ''] = payload.split(' ');
    if (this.#stopped) return;
    if (what === 'revoked') this.listener.revoked(owner);
    else this.listener.turn(owner);
  }

  #lost(client: PostgresLockClient): void {
    if (this.#client !== client) return;
    this.#drop(client);
    this.#reopenLater();
  }

  #drop(client: PostgresLockClient): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    client.release(true);
  }

  #reopenLater(): void {
    if (this.#stopped) return;
    this.#timer?.cancel();
    this.#timer = this.clock.setTimer(() => {
      this.start().then(
        () => {
          // What was told while nobody listened is lost.
          if (!this.#stopped) this.listener.resync();
        },
        () => this.#reopenLater(),
      );
    }, REOPEN_MS);
  }
}
