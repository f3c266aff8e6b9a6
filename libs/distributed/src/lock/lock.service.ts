/** Locks for code that is not a decorated method: the twin of `@DistributedLock`. */
import { type BeforeApplicationShutdown, Inject, Injectable } from '@nestjs/common';
import { encodeKey, type KeyInput } from '../aspects/index.js';
import { capabilityOptionsToken } from '../distributed.tokens.js';
import { validateOptions } from '../distributed.validation.js';
import { Clock, Random } from '../time/index.js';
import type { Lock } from './lock.js';
import {
  LockBackendError,
  LockHeldError,
  LockLostError,
  LockWaitTimeoutError,
} from './lock.errors.js';
import { lockEvents } from './lock.events.js';
import { LockDesk } from './lock-desk.js';
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
import { LockScope } from './lock-scope.js';
import { type LockState, LockStore } from './lock.store.js';
import { UnprotectedLock } from './unprotected-lock.js';

/** A section of code that wants to run under a lock. */
type Body<T> = (lock: Lock) => T | Promise<T>;

/** Acquires, holds and releases locks. One per application. */
@Injectable()
export class LockService implements BeforeApplicationShutdown {
  readonly #desk: LockDesk;
  readonly #options: ParsedLockModuleOptions;

  constructor(
    private readonly store: LockStore,
    private readonly clock: Clock,
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
  }

  /**
   * Runs `body` under the lock and releases it afterwards. The recommended way: nested calls join
   * the lock, `currentLock()` works, and a lost lock does not go unnoticed. The body's own error
   * arrives unchanged.
   * @throws LockWaitTimeoutError `E_LOCK_WAIT_TIMEOUT`, LockHeldError `E_LOCK_HELD`,
   *   LockBackendError `E_LOCK_BACKEND`, LockClosedError `E_LOCK_CLOSED`: the body did not run
   * @throws LockLostError `E_LOCK_LOST`: it ran, and `result` holds what it returned
   */
  execute<T>(
    key: KeyInput,
    body: Body<T>,
    options: LockExecuteOptions & { ifLocked: 'skip' },
  ): Promise<T | undefined>;
  execute<T>(key: KeyInput, body: Body<T>, options?: LockExecuteOptions): Promise<T>;
  async execute<T>(
    key: KeyInput,
    body: Body<T>,
    options: LockExecuteOptions = {},
  ): Promise<T | undefined> {
    const own = parseLockOptions('execute', options);
    const settings = settingsOf(own, this.#options.defaults);
    const encoded = encodeKey(key, `lock '${settings.name}'`);
    const scope = await this.#scopeFor(encoded, settings);
    return scope ? await runIn(scope, body, settings) : undefined;
  }

  /**
   * Acquires the lock and hands it out; the caller must release it (`await using`). It is no
   * section: nested calls do not join it. Give up on loss by watching `lock.signal`.
   * @throws LockWaitTimeoutError `E_LOCK_WAIT_TIMEOUT`, LockBackendError `E_LOCK_BACKEND`,
   *   LockClosedError `E_LOCK_CLOSED`, the reason of `options.signal`
   */
  async acquire(key: KeyInput, options: LockAcquireOptions = {}): Promise<Lock> {
    const own = parseLockOptions('acquire', options);
    const settings = settingsOf(own, this.#options.defaults);
    const encoded = encodeKey(key, `lock '${settings.name}'`);
    const lock = await this.#desk.acquire({ key: encoded, ...settings, onLost: 'abort' });
    if (!lock) throw new LockWaitTimeoutError(settings.name, encoded, settings.waitMs);
    return lock;
  }

  /**
   * Like `acquire`, without waiting: null when somebody else holds the lock.
   * @throws LockBackendError `E_LOCK_BACKEND`, LockClosedError `E_LOCK_CLOSED`
   */
  async tryAcquire(key: KeyInput, options: LockTryOptions = {}): Promise<Lock | null> {
    const own = parseLockOptions('tryAcquire', options);
    const settings = settingsOf(own, this.#options.defaults);
    const encoded = encodeKey(key, `lock '${settings.name}'`);
    return await this.#desk.acquire({ key: encoded, ...settings, waitMs: 0, onLost: 'abort' });
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

  /** Refuses new locks, cancels waiters, waits for holders, then releases what is left. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.#desk.close(this.#options.shutdownGrace);
  }

  #commandOptions(): { deadlineMs: number } {
    return { deadlineMs: this.#options.commandTimeout };
  }

  /** The section to run in; null when the call is to be skipped. */
  async #scopeFor(key: string, settings: LockSettings): Promise<LockScope | null> {
    const { name, ifLocked } = settings;
    const waitMs = ifLocked === 'wait' ? settings.waitMs : 0;
    const outer = settings.reentrant ? LockScope.find(this, key) : undefined;
    const scope = outer
      ? await this.#join(outer, { ...settings, waitMs })
      : await this.#enter(key, { ...settings, waitMs });
    if (scope || ifLocked === 'skip') return scope;
    throw ifLocked === 'throw'
      ? new LockHeldError(name, key)
      : new LockWaitTimeoutError(name, key, waitMs);
  }

  async #enter(key: string, settings: LockSettings): Promise<LockScope | null> {
    try {
      const lock = await this.#desk.acquire({ key, ...settings });
      return lock && LockScope.enter(this, lock);
    } catch (error) {
      if (settings.onBackendError !== 'run' || !(error instanceof LockBackendError)) throw error;
      return LockScope.enter(this, new UnprotectedLock(key, error));
    }
  }

  async #join(outer: LockScope, settings: LockSettings): Promise<LockScope | null> {
    const { name, waitMs } = settings;
    const { key } = outer.lock;
    const startedAt = this.clock.now();
    const scope = await outer.join(waitMs, this.clock, settings.signal);
    const waitedMs = this.clock.now() - startedAt;
    const outcome = scope ? 'joined' : waitMs > 0 ? 'timeout' : 'busy';
    lockEvents.emit('acquire', () => ({ name, key, outcome, waitedMs }));
    return scope;
  }
}

/** The body in its section: its own error first, then the loss of the lock, then its result. */
async function runIn<T>(scope: LockScope, body: Body<T>, settings: LockSettings): Promise<T> {
  const { lock } = scope;
  let result: T;
  try {
    result = await scope.run(() => body(lock));
  } catch (error) {
    await scope.end();
    throw error;
  }
  const outcome = await scope.end();
  if (outcome === 'already-lost' && settings.onLost === 'throw') {
    const reason = lock.loss?.reason ?? 'expired';
    throw new LockLostError(settings.name, lock.key, reason, { result, cause: lock.loss });
  }
  return result;
}
