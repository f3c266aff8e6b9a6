/** Where locks of one application are handed out and called in: lines, holders, shutdown. */
import type { Clock, Random } from '../time/index.js';
import { Contender, isGrant } from './contender.js';
import { HeldLock } from './held-lock.js';
import type { LockBackend } from './lock-backend.js';
import {
  LockBackendError,
  LockClosedError,
  LockFeatureError,
  LockWaitTimeoutError,
} from './lock.errors.js';
import { type AcquireOutcome, lockEvents } from './lock.events.js';
import { type HandoffLimits, type LineDesk, LockLine } from './lock-line.js';
import type { LockRequest } from './lock-request.js';
import type { LockStore, LockStoreListener, LockTarget } from './lock.store.js';
import { LockWatchdog } from './lock-watchdog.js';
import { ReleaseChase } from './release-chase.js';
import type { Grant } from './store-lease.js';
import { StrictQueue } from './strict-queue.js';
import { happensWithin, unlessAborted } from './timed-wait.js';

/** Settings that all locks of an application share. */
export interface LockDeskSettings extends HandoffLimits {
  readonly commandTimeoutMs: number;
}

/** Knows every waiter and every holder of the application. */
export class LockDesk implements LineDesk, LockStoreListener {
  readonly backend: LockBackend;
  readonly watchdog: LockWatchdog;
  readonly #process: string;
  readonly #lines = new Map<string, LockLine>();
  readonly #strict = new Map<string, StrictQueue>();
  /** All lines with something to do, also those that are nobody else's to find. */
  readonly #busy = new Set<LockLine>();
  readonly #expected = new Map<string, LockLine>();
  readonly #held = new Set<HeldLock>();
  readonly #attempts = new Set<Promise<unknown>>();
  #claims = 0;
  #watching = false;
  #closed: LockClosedError | undefined;
  #onLastRelease: (() => void) | undefined;

  constructor(
    store: LockStore,
    clock: Clock,
    random: Random,
    readonly limits: LockDeskSettings,
  ) {
    const { commandTimeoutMs } = limits;
    const chase = new ReleaseChase(store, clock, commandTimeoutMs);
    this.#process = random.token();
    const nextOwner = (): string => `${this.#process}:${(++this.#claims).toString(36)}`;
    this.backend = { store, clock, random, chase, commandTimeoutMs, nextOwner };
    this.watchdog = new LockWatchdog(this.backend);
  }

  /** A held lock; null when it was taken and there is no time to wait. */
  acquire(request: LockRequest): Promise<HeldLock | null> {
    const startedAt = this.backend.clock.now();
    return this.#obtain(request).then(
      (lock) => {
        this.#report(request, lock ? 'acquired' : 'busy', startedAt);
        return lock;
      },
      (error: unknown) => {
        this.#report(request, outcomeOf(error), startedAt);
        throw error;
      },
    );
  }

  /**
   * All of them in one command, without waiting. Null when one of them is taken, or when this cannot be
   * done in one command: then they have to be asked for one by one.
   */
  async acquireAll(requests: readonly LockRequest[]): Promise<HeldLock[] | null> {
    const startedAt = this.backend.clock.now();
    const locks = await this.#together(requests);
    if (locks) for (const request of requests) this.#report(request, 'acquired', startedAt);
    return locks;
  }

  turn(owner: string): void {
    this.#expected.get(owner)?.wake();
  }

  revoked(owner: string): void {
    this.watchdog.find(owner)?.lose('revoked');
  }

  resync(): void {
    for (const line of this.#expected.values()) if (!line.sleeps) line.wake();
  }

  expect(owner: string, line: LockLine | undefined): void {
    if (line) this.#expected.set(owner, line);
    else this.#expected.delete(owner);
  }

  opened(lock: HeldLock): void {
    this.#held.add(lock);
  }

  closed(lock: HeldLock): void {
    this.#held.delete(lock);
    if (this.#held.size === 0) this.#onLastRelease?.();
  }

  idle(line: LockLine): void {
    const { target } = line;
    this.#busy.delete(line);
    if (this.#lines.get(target.key) === line) this.#lines.delete(target.key);
    if (this.#strict.get(queueIdOf(target))?.empty) this.#strict.delete(queueIdOf(target));
  }

  /** See `LockService.beforeApplicationShutdown`. */
  async close(graceMs: number): Promise<void> {
    const { chase, clock, commandTimeoutMs, store } = this.backend;
    this.#closed = new LockClosedError();
    for (const line of this.#busy) line.cancel(this.#closed);
    if (this.#held.size > 0) {
      const released = new Promise<void>((resolve) => {
        this.#onLastRelease = resolve;
      });
      await happensWithin(released, graceMs, clock);
    }
    for (const lock of this.#held) {
      lock.lose('shutdown');
      void lock.release();
    }
    const settled = Promise.allSettled(this.#attempts).then(() => chase.settled());
    await happensWithin(settled, commandTimeoutMs, clock);
    chase.stop();
    this.watchdog.stop();
    await store.unwatch();
  }

  #obtain(request: LockRequest): Promise<HeldLock | null> {
    try {
      this.#start(request);
      return request.waitMs > 0 ? this.#lineFor(request).wait(request) : this.#once(request);
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  #start({ signal }: LockRequest): void {
    if (this.#closed) throw this.#closed;
    signal?.throwIfAborted();
    this.#watch();
  }

  #lineFor(request: LockRequest): LockLine {
    const target = targetOf(request);
    if (request.fairness === 'strict' && this.backend.store.keepsOrder === false)
      throw new LockFeatureError(
        'This lock store',
        "waiters in order (fairness: 'strict')",
        'its waiters poll',
      );
    const alone = request.fairness === 'strict' || !isExclusive(target);
    const line = alone ? this.#strictLine(target) : this.#sharedLine(target.key);
    this.#busy.add(line);
    return line;
  }

  /** One line per key: its waiters contend together. */
  #sharedLine(key: string): LockLine {
    let line = this.#lines.get(key);
    if (!line) {
      line = new LockLine(this, { key });
      this.#lines.set(key, line);
    }
    return line;
  }

  /** A line for one waiter, which contends for itself. */
  #strictLine(target: LockTarget): LockLine {
    const id = queueIdOf(target);
    let queue = this.#strict.get(id);
    if (!queue) {
      queue = new StrictQueue(!isExclusive(target));
      this.#strict.set(id, queue);
    }
    const line = new LockLine(this, target, queue);
    queue.enter(line);
    return line;
  }

  /** Asks without waiting; what this process holds itself it need not ask. */
  async #once(request: LockRequest): Promise<HeldLock | null> {
    const { leaseMs, name, signal } = request;
    const target = targetOf(request);
    if (target.limit === undefined && this.#lines.get(target.key)?.held) return null;
    const contender = new Contender(this.backend, target, name);
    const fences = isExclusive(target) ? this.limits.handoffs + 1 : 1;
    const attempt = contender.attempt({ leaseMs, fences, queue: false });
    return await this.#decide(attempt, [contender], signal, (answer) =>
      isGrant(answer) ? this.#lineOf(target).adopt(answer, request) : null,
    );
  }

  async #together(requests: readonly LockRequest[]): Promise<HeldLock[] | null> {
    const [first] = requests;
    // Where others of this process wait already, it is not for us to be faster.
    const busy = requests.some((request) => this.#lines.has(request.key));
    if (!first || busy || !this.backend.store.acquireAll || !isExclusive(first)) return null;
    this.#start(first);
    const { leaseMs, signal } = first;
    const contenders = requests.map((request) => new Contender(this.backend, targetOf(request)));
    const attempt = Contender.attemptAll(this.backend, contenders, {
      leaseMs,
      fences: this.limits.handoffs + 1,
    });
    const adopt = (grants: Grant[] | null): HeldLock[] | null =>
      grants?.map((grant, index) => {
        const request = requests[index] as LockRequest;
        return this.#lineOf(targetOf(request)).adopt(grant, request);
      }) ?? null;
    try {
      return await this.#decide(attempt, contenders, signal, adopt);
    } catch (error) {
      // One by one, each has the patience of a waiter and says what to do about the store.
      if (error instanceof LockBackendError) return null;
      throw error;
    }
  }

  /** What an attempt comes to; what it may have left in the store is cleaned up if it is nothing. */
  async #decide<A, T>(
    attempt: Promise<A>,
    contenders: readonly Contender[],
    signal: AbortSignal | undefined,
    adopt: (answer: A) => T,
  ): Promise<T> {
    const abandon = (): void => {
      for (const contender of contenders) contender.abandon();
    };
    this.#attempts.add(attempt);
    try {
      const answer = await (signal ? unlessAborted(attempt, signal) : attempt);
      signal?.throwIfAborted();
      // In the same turn as the adoption: a shutdown finds either an attempt or a holder.
      if (this.#closed) throw this.#closed;
      return adopt(answer);
    } catch (error) {
      if (signal?.aborted) void attempt.then(abandon, abandon);
      else abandon();
      throw error instanceof LockBackendError ? error.nothingRan : error;
    } finally {
      this.#attempts.delete(attempt);
    }
  }

  /** The line that takes a lock over which nobody waited for. */
  #lineOf(target: LockTarget): LockLine {
    const shared = isExclusive(target) ? this.#sharedLine(target.key) : undefined;
    const line = shared?.free ? shared : new LockLine(this, target);
    this.#busy.add(line);
    return line;
  }

  #report({ name, key }: LockRequest, outcome: AcquireOutcome, startedAt: number): void {
    const waited = (): number => this.backend.clock.now() - startedAt;
    lockEvents.emit('acquire', () => ({ name, key, outcome, waitedMs: waited() }));
  }

  /** Starts the store's reports with the first lock; without them waiters poll. */
  #watch(): void {
    if (this.#watching) return;
    this.#watching = true;
    this.backend.store.watch(this.#process, this).then(
      // Whatever happened before the reports began, nobody was told.
      () => this.resync(),
      () => {
        this.#watching = false;
      },
    );
  }
}

function targetOf({ key, mode, limit }: LockRequest): LockTarget {
  return { key, mode, limit };
}

/** Whether one holder excludes all others, so that waiters of one process can follow each other. */
function isExclusive({ mode, limit }: LockTarget): boolean {
  return limit === undefined && mode !== 'shared';
}

/** Waiters of one queue keep each other's places. */
function queueIdOf({ key, mode = 'exclusive', limit }: LockTarget): string {
  return `${limit === undefined ? mode : 'permit'} ${key}`;
}

function outcomeOf(error: unknown): AcquireOutcome {
  if (error instanceof LockWaitTimeoutError) return 'timeout';
  return error instanceof LockBackendError ? 'backend-error' : 'aborted';
}
