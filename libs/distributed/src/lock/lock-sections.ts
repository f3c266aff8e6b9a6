/** Sections of code under a lock or a permit: entering, joining, and what comes of losing it. */
import type { Clock } from '../time/index.js';
import { allOrNone } from './all-or-none.js';
import { JointSection, type Section } from './joint-section.js';
import type { Lock } from './lock.js';
import type { LockKeys } from './lock-keys.js';
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
import { requestOf } from './lock-request.js';
import { type HoldKind, LockScope } from './lock-scope.js';
import { MultiLock } from './multi-lock.js';
import { UnprotectedLock } from './unprotected-lock.js';

/** A section of code that wants to run under a lock. */
export type Body<T> = (lock: Lock) => T | Promise<T>;

/**
 * Serves `LockService` and its semaphores. Keys are encoded and in order, options checked already.
 * Several keys are tried in one step; if that fails, they are taken one after the other, in the order
 * of the keys, within one time to wait. Callers that all do so never wait for each other in a ring.
 */
export class LockSections {
  constructor(
    private readonly desk: LockDesk,
    private readonly clock: Clock,
  ) {}

  /** See `LockService.execute`. */
  async execute<T>(keys: LockKeys, body: Body<T>, settings: LockSettings): Promise<T | undefined> {
    const section =
      keys.length === 1
        ? await this.#scopeFor(keys[0], settings)
        : await this.#jointSection(keys, settings);
    return section ? await runIn(section, body, settings) : undefined;
  }

  /** See `LockService.acquire`. */
  acquire(keys: LockKeys, settings: LockSettings): Promise<Lock> {
    return this.#handedOut(keys, { ...settings, onLost: 'abort' }).then((lock) => {
      if (lock) return lock;
      throw new LockWaitTimeoutError(settings.name, keys.join(' '), settings.waitMs);
    });
  }

  /** See `LockService.tryAcquire`. */
  tryAcquire(keys: LockKeys, settings: LockSettings): Promise<Lock | null> {
    return this.#handedOut(keys, { ...settings, waitMs: 0, onLost: 'abort' });
  }

  /** Locks that are no sections. */
  #handedOut(keys: LockKeys, wanted: LockSettings): Promise<Lock | null> {
    return keys.length === 1
      ? this.desk.acquire(requestOf(keys[0], wanted))
      : this.#allHandedOut(keys, wanted);
  }

  async #allHandedOut(keys: LockKeys, wanted: LockSettings): Promise<Lock | null> {
    const budget = this.#budget(wanted);
    const locks =
      (await this.desk.acquireAll(keys.map((key) => requestOf(key, wanted)))) ??
      (await allOrNone<Lock>(keys, {
        obtain: (key) => this.desk.acquire(requestOf(key, { ...wanted, waitMs: budget() })),
        giveBack: (lock) => lock.release(),
      }));
    return locks && new MultiLock(locks);
  }

  /** The section of several keys; null when the call is to be skipped. */
  async #jointSection(keys: LockKeys, settings: LockSettings): Promise<Section | null> {
    const budget = this.#budget(settings);
    const scopes =
      (await this.#enterAll(keys, settings)) ??
      (await allOrNone<LockScope>(keys, {
        obtain: (key, got) => this.#scopeFor(key, { ...settings, waitMs: budget() }, got.at(-1)),
        giveBack: (scope) => scope.end(),
      }));
    const [outermost, ...others] = scopes ?? [];
    return outermost ? new JointSection([outermost, ...others]) : null;
  }

  /** All of them in one step, if they are free and none is the caller's already. */
  async #enterAll(keys: LockKeys, settings: LockSettings): Promise<LockScope[] | null> {
    if (settings.reentrant && keys.some((key) => LockScope.find(this, key))) return null;
    const locks = await this.desk.acquireAll(keys.map((key) => requestOf(key, settings)));
    let parent: LockScope | undefined;
    const enter = (lock: Lock): LockScope =>
      (parent = LockScope.enter(this, lock, kindOf(settings), { parent }));
    return locks && locks.map(enter);
  }

  /** What is left of the time to wait, from now on. */
  #budget({ waitMs }: LockSettings): () => number {
    const end = this.clock.now() + waitMs;
    return () => Math.max(0, end - this.clock.now());
  }

  /**
   * The section to run in; null when the call is to be skipped.
   * @param parent the section it is to be in. Default: that of the caller
   */
  async #scopeFor(
    key: string,
    settings: LockSettings,
    parent?: LockScope,
  ): Promise<LockScope | null> {
    const { name, ifLocked } = settings;
    const waitMs = ifLocked === 'wait' ? settings.waitMs : 0;
    const outer = settings.reentrant
      ? LockScope.find(this, key, settings.limit !== undefined)
      : undefined;
    if (outer?.kind === 'shared' && settings.mode === 'exclusive')
      throw new LockUpgradeError(name, key);
    const scope = outer
      ? await this.#join(outer, { ...settings, waitMs }, parent)
      : await this.#enter(key, { ...settings, waitMs }, parent);
    if (scope || ifLocked === 'skip') return scope;
    throw ifLocked === 'throw'
      ? new LockHeldError(name, key)
      : new LockWaitTimeoutError(name, key, waitMs);
  }

  async #enter(
    key: string,
    settings: LockSettings,
    parent: LockScope | undefined,
  ): Promise<LockScope | null> {
    try {
      const lock = await this.desk.acquire(requestOf(key, settings));
      return lock && LockScope.enter(this, lock, kindOf(settings), { parent });
    } catch (error) {
      if (settings.onBackendError !== 'run' || !(error instanceof LockBackendError)) throw error;
      const lock = new UnprotectedLock(key, error, settings.name);
      return LockScope.enter(this, lock, kindOf(settings), { parent });
    }
  }

  async #join(
    outer: LockScope,
    settings: LockSettings,
    parent: LockScope | undefined,
  ): Promise<LockScope | null> {
    const { name, waitMs } = settings;
    const { key } = outer.lock;
    const startedAt = this.clock.now();
    const scope = await outer.join(settings, this.clock, parent);
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
export async function runIn<T>(
  section: Section,
  body: Body<T>,
  settings: Pick<LockSettings, 'name' | 'onLost'>,
): Promise<T> {
  const { lock } = section;
  let result: T;
  try {
    result = await section.run(() => body(lock));
  } catch (error) {
    await section.end();
    throw error;
  }
  const outcome = await section.end();
  if (outcome === 'already-lost' && settings.onLost === 'throw') {
    const reason = lock.loss?.reason ?? 'expired';
    throw new LockLostError(settings.name, lock.key, reason, { result, cause: lock.loss });
  }
  return result;
}
