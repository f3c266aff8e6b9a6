/** Where locks of one application are handed out and called in: lines, holders, shutdown. */
import type { Clock, Random } from '../time/index.js';
import { Contender, isGrant } from './contender.js';
import { HeldLock } from './held-lock.js';
import type { LockBackend } from './lock-backend.js';
import { LockBackendError, LockClosedError, LockWaitTimeoutError } from './lock.errors.js';
import { type AcquireOutcome, lockEvents } from './lock.events.js';
import { type HandoffLimits, type LineDesk, LockLine } from './lock-line.js';
import type { LockRequest } from './lock.options.js';
import type { LockStore, LockStoreListener, LockTarget } from './lock.store.js';
import { LockWatchdog } from './lock-watchdog.js';
import { ReleaseChase } from './release-chase.js';
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
  async acquire(request: LockRequest): Promise<HeldLock | null> {
    const { clock } = this.backend;
    const startedAt = clock.now();
    try {
      const lock = await this.#obtain(request);
      this.#report(request, lock ? 'acquired' : 'busy', startedAt);
      return lock;
    } catch (error) {
      this.#report(request, outcomeOf(error), startedAt);
      throw error;
    }
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
    await store.unwatch();
  }

  async #obtain(request: LockRequest): Promise<HeldLock | null> {
    if (this.#closed) throw this.#closed;
    request.signal?.throwIfAborted();
    this.#watch();
    return request.waitMs > 0
      ? await this.#lineFor(request).wait(request)
      : await this.#once(request);
  }

  #lineFor(request: LockRequest): LockLine {
    const target = targetOf(request);
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
    const { leaseMs, signal } = request;
    const target = targetOf(request);
    if (target.limit === undefined && this.#lines.get(target.key)?.held) return null;
    const contender = new Contender(this.backend, target);
    const fences = isExclusive(target) ? this.limits.handoffs + 1 : 1;
    const attempt = contender.attempt({ leaseMs, fences, queue: false });
    this.#attempts.add(attempt);
    try {
      const answer = await (signal ? unlessAborted(attempt, signal) : attempt);
      signal?.throwIfAborted();
      // In the same turn as the adoption: a shutdown finds either an attempt or a holder.
      if (this.#closed) throw this.#closed;
      return isGrant(answer) ? this.#lineOf(target).adopt(answer, request) : null;
    } catch (error) {
      if (signal?.aborted)
        void attempt.then(
          () => contender.abandon(),
          () => contender.abandon(),
        );
      else contender.abandon();
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
    lockEvents.emit('acquire', () => {
      return { name, key, outcome, waitedMs: this.backend.clock.now() - startedAt };
    });
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
