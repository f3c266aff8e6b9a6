/** Locks in the memory of one process, for tests: the rules of the port, without a server. */
import { LockFeatureError } from '../lock/lock.errors.js';
import {
  type AcquireCommand,
  type AcquireReply,
  type LockClaim,
  type LockState,
  LockStore,
  type LockStoreListener,
  type ReleaseReply,
  type RenewCommand,
  type StoreCallOptions,
} from '../lock/lock.store.js';
import { type Clock, SystemClock } from '../time/index.js';
import { MemoryLocks } from './memory-locks.js';

/**
 * For tests only: what it remembers ends with the process, and other processes know nothing of it.
 * It knows exclusive locks; for shared ones and semaphores use Redis.
 *
 * @example
 * DistributedModule.forRoot({ lock: { store: new MemoryLockStore() } })
 */
export class MemoryLockStore extends LockStore {
  readonly #locks: MemoryLocks;
  #process: string | undefined;

  /** @param clock decides when leases end; default the system's, a `FakeClock` for tests of expiry */
  constructor(clock: Clock | MemoryLocks = new SystemClock()) {
    super();
    this.#locks = clock instanceof MemoryLocks ? clock : new MemoryLocks(clock);
  }

  /** The same locks, seen by another application: each needs a store of its own. */
  peer(): MemoryLockStore {
    return new MemoryLockStore(this.#locks);
  }

  async acquire(command: AcquireCommand): Promise<AcquireReply> {
    if (command.mode === 'shared' || command.limit !== undefined)
      throw new LockFeatureError(
        'MemoryLockStore',
        'shared locks and semaphores',
        'it is for tests',
      );
    return this.#locks.acquire(command);
  }

  async renew(commands: readonly RenewCommand[]): Promise<PromiseSettledResult<boolean>[]> {
    return commands.map((command) => ({
      status: 'fulfilled',
      value: this.#locks.renew(command),
    }));
  }

  async release(
    claim: LockClaim,
    { keepMs = 0 }: Partial<StoreCallOptions> & { readonly keepMs?: number } = {},
  ): Promise<ReleaseReply> {
    return this.#locks.release(claim, keepMs) ? 'deleted' : 'absent';
  }

  async revoke(claim: LockClaim): Promise<ReleaseReply> {
    return this.#locks.revoke(claim) ? 'deleted' : 'absent';
  }

  async query(key: string): Promise<LockState | null> {
    return this.#locks.query(key);
  }

  async watch(process: string, listener: LockStoreListener): Promise<void> {
    this.#process = process;
    this.#locks.listeners.set(process, listener);
  }

  async unwatch(): Promise<void> {
    if (this.#process !== undefined) this.#locks.listeners.delete(this.#process);
    this.#process = undefined;
  }
}
