/** A semaphore: a lock that several may hold at a time, on all machines together. */
import type { Lock } from './lock.js';
import type { Body, LockSections } from './lock-sections.js';
import {
  type LockSettings,
  type ParsedLockModuleOptions,
  type ParsedLockOptions,
  settingsOf,
} from './lock.options.js';
import {
  type ParsedSemaphoreOptions,
  parsePermitOptions,
  type SemaphoreAcquireOptions,
  type SemaphoreExecuteOptions,
  type SemaphoreTryOptions,
} from './semaphore.options.js';

/**
 * Hands out permits: leases like those of locks, renewed while the holder works, served in order of
 * arrival. A permit is a `Lock` whose `fencingToken` is 0: holders work side by side, so a resource
 * could not tell a late one from the others.
 */
export class DistributedSemaphore {
  constructor(
    private readonly sections: LockSections,
    /** Its encoded name. */
    readonly key: string,
    private readonly options: ParsedSemaphoreOptions,
    private readonly defaults: ParsedLockModuleOptions['defaults'],
  ) {}

  /** How many permits there are. */
  get limit(): number {
    return this.options.limit;
  }

  /**
   * Runs `body` with a permit and gives it back afterwards. Nested calls use the permit of the call
   * around them. Options given here win over those of the semaphore.
   * @throws LockWaitTimeoutError `E_LOCK_WAIT_TIMEOUT`, LockHeldError `E_LOCK_HELD`,
   *   LockBackendError `E_LOCK_BACKEND`, LockClosedError `E_LOCK_CLOSED`: the body did not run
   * @throws LockLostError `E_LOCK_LOST`: it ran, and `result` holds what it returned
   */
  execute<T>(
    body: Body<T>,
    options: SemaphoreExecuteOptions & { ifLocked: 'skip' },
  ): Promise<T | undefined>;
  execute<T>(body: Body<T>, options?: SemaphoreExecuteOptions): Promise<T>;
  async execute<T>(body: Body<T>, options: SemaphoreExecuteOptions = {}): Promise<T | undefined> {
    const settings = this.#settings(parsePermitOptions('permitExecute', options));
    return await this.sections.execute([this.key], body, settings);
  }

  /**
   * Waits for a permit; the caller must release it (`await using`).
   * @throws LockWaitTimeoutError `E_LOCK_WAIT_TIMEOUT`, LockBackendError `E_LOCK_BACKEND`,
   *   LockClosedError `E_LOCK_CLOSED`, the reason of `options.signal`
   */
  async acquire(options: SemaphoreAcquireOptions = {}): Promise<Lock> {
    const settings = this.#settings(parsePermitOptions('permitAcquire', options));
    return await this.sections.acquire([this.key], settings);
  }

  /**
   * Like `acquire`, without waiting: null when no permit is free.
   * @throws LockBackendError `E_LOCK_BACKEND`, LockClosedError `E_LOCK_CLOSED`
   */
  async tryAcquire(options: SemaphoreTryOptions = {}): Promise<Lock | null> {
    const settings = this.#settings(parsePermitOptions('permitAcquire', options));
    return await this.sections.tryAcquire([this.key], settings);
  }

  #settings(own: ParsedLockOptions): LockSettings {
    const { limit, ...shared } = this.options;
    return { ...settingsOf({ ...shared, ...own }, this.defaults), limit };
  }
}
