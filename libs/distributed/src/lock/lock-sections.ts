/** Sections of code under a lock or a permit: entering, joining, and what comes of losing it. */
import type { Clock } from '../time/index.js';
import type { Lock } from './lock.js';
import type { LockDesk } from './lock-desk.js';
import {
  LockBackendError,
  LockHeldError,
  LockLostError,
  LockUpgradeError,
  LockWaitTimeoutError,
} from './lock.errors.js';
import { lockEvents } from './lock.events.js';
import type { LockSettings } from './lock.options.js';
import { type HoldKind, LockScope } from './lock-scope.js';
import { UnprotectedLock } from './unprotected-lock.js';

/** A section of code that wants to run under a lock. */
export type Body<T> = (lock: Lock) => T | Promise<T>;

/** Serves `LockService` and its semaphores; keys are encoded and options checked already. */
export class LockSections {
  constructor(
    private readonly desk: LockDesk,
    private readonly clock: Clock,
  ) {}

  /** See `LockService.execute`. */
  async execute<T>(key: string, body: Body<T>, settings: LockSettings): Promise<T | undefined> {
    const scope = await this.#scopeFor(key, settings);
    return scope ? await runIn(scope, body, settings) : undefined;
  }

  /** See `LockService.acquire`. */
  async acquire(key: string, settings: LockSettings): Promise<Lock> {
    const lock = await this.desk.acquire({ key, ...settings, onLost: 'abort' });
    if (!lock) throw new LockWaitTimeoutError(settings.name, key, settings.waitMs);
    return lock;
  }

  /** See `LockService.tryAcquire`. */
  async tryAcquire(key: string, settings: LockSettings): Promise<Lock | null> {
    return await this.desk.acquire({ key, ...settings, waitMs: 0, onLost: 'abort' });
  }

  /** The section to run in; null when the call is to be skipped. */
  async #scopeFor(key: string, settings: LockSettings): Promise<LockScope | null> {
    const { name, ifLocked } = settings;
    const waitMs = ifLocked === 'wait' ? settings.waitMs : 0;
    const outer = settings.reentrant
      ? LockScope.find(this, key, settings.limit !== undefined)
      : undefined;
    if (outer?.kind === 'shared' && settings.mode === 'exclusive')
      throw new LockUpgradeError(name, key);
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
      const lock = await this.desk.acquire({ key, ...settings });
      return lock && LockScope.enter(this, lock, kindOf(settings));
    } catch (error) {
      if (settings.onBackendError !== 'run' || !(error instanceof LockBackendError)) throw error;
      return LockScope.enter(this, new UnprotectedLock(key, error), kindOf(settings));
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

function kindOf({ mode, limit }: LockSettings): HoldKind {
  return limit === undefined ? mode : 'permit';
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
