/** Locks for code that is not a decorated method: the twin of `@DistributedLock`. */
import { type BeforeApplicationShutdown, Inject, Injectable } from '@nestjs/common';
import { encodeKey, encodeKeys, type KeyInput } from '../aspects/index.js';
import { capabilityOptionsToken } from '../distributed.tokens.js';
import { remembering, validateOptions } from '../distributed.validation.js';
import { Clock, Random } from '../time/index.js';
import type { Lock } from './lock.js';
import { DistributedSemaphore } from './distributed-semaphore.js';
import type { ElectionOptions } from './election.options.js';
import { Elections } from './elections.js';
import type { LeaderElection } from './leader-election.js';
import { LockDesk } from './lock-desk.js';
import type { LockKeyInput, LockKeys } from './lock-keys.js';
import {
  type LockAcquireOptions,
  type LockExecuteOptions,
  type LockModuleOptions,
  type LockSettings,
  lockSchemas,
  type LockTryOptions,
  type ParsedLockModuleOptions,
  parseLockOptions,
  settingsOf,
} from './lock.options.js';
import { type Body, LockSections } from './lock-sections.js';
import { type LockState, LockStore } from './lock.store.js';
import { parsePermitOptions, type SemaphoreOptions } from './semaphore.options.js';

/** Acquires, holds and releases locks. One per application. */
@Injectable()
export class LockService implements BeforeApplicationShutdown {
  readonly #desk: LockDesk;
  readonly #sections: LockSections;
  readonly #elections: Elections;
  readonly #options: ParsedLockModuleOptions;
  readonly #parse = {
    execute: remembering((options: LockExecuteOptions) => parseLockOptions('execute', options)),
    acquire: remembering((options: LockAcquireOptions) => parseLockOptions('acquire', options)),
    tryAcquire: remembering((options: LockTryOptions) => parseLockOptions('tryAcquire', options)),
  };

  constructor(
    private readonly store: LockStore,
    clock: Clock,
    random: Random,
    @Inject(capabilityOptionsToken('lock')) options: LockModuleOptions,
  ) {
    this.#options = validateOptions(
      lockSchemas.module,
      options,
      'DistributedModule.forRoot().lock',
    );
    this.#desk = new LockDesk(store, clock, random, {
      commandTimeoutMs: this.#options.commandTimeout,
      handoffs: this.#options.localHandoffs,
      handoffMs: this.#options.localHandoffTime,
    });
    this.#sections = new LockSections(this.#desk, clock);
    this.#elections = new Elections(
      { desk: this.#desk, sections: this.#sections, graceMs: this.#options.shutdownGrace },
      this.#options.defaults,
    );
  }

  /**
   * Runs `body` under the lock and releases it afterwards. The recommended way: nested calls join
   * the lock, `currentLock()` works, and a lost lock does not go unnoticed. The body's own error
   * arrives unchanged. Several keys (`[['account', 7], ['account', 9]]`) are locked all or none, within
   * one `wait`; nobody who asks for several can make a ring of waiters.
   * @throws LockWaitTimeoutError `E_LOCK_WAIT_TIMEOUT`, LockHeldError `E_LOCK_HELD`,
   *   LockBackendError `E_LOCK_BACKEND`, LockClosedError `E_LOCK_CLOSED`: the body did not run
   * @throws LockLostError `E_LOCK_LOST`: it ran, and `result` holds what it returned
   */
  execute<T>(
    key: LockKeyInput,
    body: Body<T>,
    options: LockExecuteOptions & { ifLocked: 'skip' },
  ): Promise<T | undefined>;
  execute<T>(key: LockKeyInput, body: Body<T>, options?: LockExecuteOptions): Promise<T>;
  async execute<T>(
    key: LockKeyInput,
    body: Body<T>,
    options: LockExecuteOptions = {},
  ): Promise<T | undefined> {
    const settings = settingsOf(this.#parse.execute(options), this.#options.defaults);
    return await this.#sections.execute(this.#encode(key, settings), body, settings);
  }

  /**
   * Acquires the lock and hands it out; the caller must release it (`await using`). It is no
   * section: nested calls do not join it. Give up on loss by watching `lock.signal`.
   * @throws LockWaitTimeoutError `E_LOCK_WAIT_TIMEOUT`, LockBackendError `E_LOCK_BACKEND`,
   *   LockClosedError `E_LOCK_CLOSED`, the reason of `options.signal`
   */
  async acquire(key: LockKeyInput, options: LockAcquireOptions = {}): Promise<Lock> {
    const settings = settingsOf(this.#parse.acquire(options), this.#options.defaults);
    return await this.#sections.acquire(this.#encode(key, settings), settings);
  }

  /**
   * Like `acquire`, without waiting: null when somebody else holds the lock.
   * @throws LockBackendError `E_LOCK_BACKEND`, LockClosedError `E_LOCK_CLOSED`
   */
  async tryAcquire(key: LockKeyInput, options: LockTryOptions = {}): Promise<Lock | null> {
    const settings = settingsOf(this.#parse.tryAcquire(options), this.#options.defaults);
    return await this.#sections.tryAcquire(this.#encode(key, settings), settings);
  }

  /**
   * A semaphore: at most `options.limit` hold a permit of it at a time, on all machines together.
   * Nothing happens until a permit is asked for. Semaphores and locks of the same name have nothing
   * to do with each other.
   * @throws InvalidOptionsError `E_OPTIONS_INVALID`, InvalidKeyError `E_KEY_INVALID`
   */
  semaphore(name: KeyInput, options: SemaphoreOptions): DistributedSemaphore {
    const own = parsePermitOptions('semaphore', options);
    const key = encodeKey(name, `semaphore '${own.name ?? 'unnamed'}'`);
    return new DistributedSemaphore(this.#sections, key, own, this.#options.defaults);
  }

  /**
   * The leader election `name`: of all applications that take part, one leads at a time. The same
   * object for the same name; without `options` as it is, if it is there already. Nothing happens until
   * something is asked of it.
   * @throws InvalidOptionsError `E_OPTIONS_INVALID`, also for options that differ from those given
   *   before; InvalidKeyError `E_KEY_INVALID`
   */
  election(name: KeyInput, options?: ElectionOptions): LeaderElection {
    return this.#elections.of(name, options);
  }

  /**
   * Who holds `key` now, on any machine; null when nobody does.
   * @throws LockBackendError `E_LOCK_BACKEND`
   */
  async query(key: KeyInput): Promise<LockState | null> {
    return await this.store.query(encodeKey(key, 'lock'), this.#commandOptions());
  }

  /**
   * Takes the lock away from whoever holds it now; the holder's signal aborts. False when nobody
   * held it. For operators: the holder may be in the middle of its work.
   * @throws LockBackendError `E_LOCK_BACKEND`
   */
  async forceRelease(key: KeyInput): Promise<boolean> {
    const encoded = encodeKey(key, 'lock');
    const state = await this.store.query(encoded, this.#commandOptions());
    if (!state) return false;
    // By its token, not blindly: sent twice, a blind delete could hit the next holder.
    const claim = { key: encoded, owner: state.owner };
    return (await this.store.revoke(claim, this.#commandOptions())) !== 'absent';
  }

  /** Resigns, refuses new locks, cancels waiters, waits for holders, then releases what is left. */
  async beforeApplicationShutdown(): Promise<void> {
    const resigned = this.#elections.close();
    await this.#desk.close(this.#options.shutdownGrace);
    await resigned;
  }

  #commandOptions(): { deadlineMs: number } {
    return { deadlineMs: this.#options.commandTimeout };
  }

  #encode(key: LockKeyInput, { name }: LockSettings): LockKeys {
    return encodeKeys(key, `lock '${name}'`);
  }
}
