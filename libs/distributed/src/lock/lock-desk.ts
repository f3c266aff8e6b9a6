/** Where locks of one application are handed out and called in: acquisition, holders, shutdown. */
import type { Clock, Random } from '../time/index.js';
import { HeldLock } from './held-lock.js';
import { LockAcquirer } from './lock-acquirer.js';
import { LockBackendError, LockClosedError, LockWaitTimeoutError } from './lock.errors.js';
import { type AcquireOutcome, lockEvents } from './lock.events.js';
import type { LockSettings } from './lock.options.js';
import type { LockStore, LockStoreListener } from './lock.store.js';
import type { Grant, LockBackend } from './lock-ticket.js';
import { ReleaseChase } from './release-chase.js';
import { happensWithin } from './timed-wait.js';

/** What acquiring needs of the settings of a call. */
export type AcquireSettings = Pick<
  LockSettings,
  'name' | 'leaseMs' | 'waitMs' | 'renew' | 'onLost' | 'signal'
>;

/** Knows every waiter and every holder of the application. */
export class LockDesk implements LockStoreListener {
  readonly #backend: LockBackend;
  readonly #acquirer: LockAcquirer;
  readonly #waiting = new Set<AbortController>();
  readonly #held = new Map<string, HeldLock>();
  #watching = false;
  #closed: LockClosedError | undefined;
  #onLastRelease: (() => void) | undefined;

  constructor(store: LockStore, clock: Clock, random: Random, commandTimeoutMs: number) {
    const chase = new ReleaseChase(store, clock, commandTimeoutMs);
    this.#backend = { store, clock, random, chase, commandTimeoutMs };
    this.#acquirer = new LockAcquirer(this.#backend);
  }

  /** A held lock; null when it was taken and there is no time to wait. */
  async acquire(key: string, settings: AcquireSettings): Promise<HeldLock | null> {
    const { name } = settings;
    const startedAt = this.#backend.clock.now();
    const report = (outcome: AcquireOutcome): void => {
      const waitedMs = this.#backend.clock.now() - startedAt;
      lockEvents.emit('acquire', () => ({ name, key, outcome, waitedMs }));
    };
    try {
      const lock = await this.#cancellable(settings.signal, (signal) =>
        this.#obtain(key, settings, signal),
      );
      report(lock ? 'acquired' : 'busy');
      return lock;
    } catch (error) {
      report(outcomeOf(error));
      throw error;
    }
  }

  freed(key: string, owner: string): void {
    // A lock that is being released ignores this; for any other owner it was forced.
    this.#held.get(owner)?.lose('revoked');
    this.#acquirer.freed(key);
  }

  resync(): void {
    this.#acquirer.resync();
  }

  /** See `LockService.beforeApplicationShutdown`. */
  async close(graceMs: number): Promise<void> {
    const { chase, clock, commandTimeoutMs } = this.#backend;
    this.#closed = new LockClosedError();
    for (const cancel of this.#waiting) cancel.abort(this.#closed);
    if (this.#held.size > 0) {
      const released = new Promise<void>((resolve) => {
        this.#onLastRelease = resolve;
      });
      await happensWithin(released, graceMs, clock);
    }
    for (const lock of this.#held.values()) {
      lock.lose('shutdown');
      void lock.release();
    }
    await happensWithin(chase.settled(), commandTimeoutMs, clock);
    chase.stop();
    await this.#backend.store.unwatch();
  }

  async #obtain(
    key: string,
    settings: AcquireSettings,
    signal: AbortSignal,
  ): Promise<HeldLock | null> {
    this.#watch();
    const { name, leaseMs, waitMs } = settings;
    const request = { name, key, leaseMs, signal };
    const grant =
      waitMs > 0 ? await this.#acquirer.wait(request, waitMs) : await this.#acquirer.once(request);
    if (signal.aborted) {
      if (grant) this.#giveBack(grant);
      throw signal.reason;
    }
    // In the same turn as the check: a shutdown finds either a waiter or a holder.
    return grant && this.#hold(grant, settings);
  }

  /** Runs a wait that ends when the caller's signal or the shutdown says so. */
  async #cancellable<T>(
    outer: AbortSignal | undefined,
    wait: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    if (this.#closed) throw this.#closed;
    outer?.throwIfAborted();
    const cancel = new AbortController();
    const onAbort = (): void => cancel.abort(outer?.reason);
    outer?.addEventListener('abort', onAbort, { once: true });
    this.#waiting.add(cancel);
    try {
      return await wait(cancel.signal);
    } finally {
      this.#waiting.delete(cancel);
      outer?.removeEventListener('abort', onAbort);
    }
  }

  #hold(grant: Grant, settings: AcquireSettings): HeldLock {
    const lock = new HeldLock(this.#backend, grant, {
      name: settings.name,
      renew: settings.renew,
      abortOnLoss: settings.onLost !== 'ignore',
      onEnd: ({ owner }) => {
        this.#held.delete(owner);
        if (this.#held.size === 0) this.#onLastRelease?.();
      },
    });
    this.#held.set(grant.owner, lock);
    return lock;
  }

  #giveBack({ key, owner, leaseMs }: Grant): void {
    this.#backend.chase.start({ key, owner, forMs: leaseMs, absentIsFinal: true });
  }

  /** Starts the store's reports with the first lock; without them waiters poll. */
  #watch(): void {
    if (this.#watching) return;
    this.#watching = true;
    this.#backend.store.watch(this).then(
      // Whatever was freed before the reports began, nobody was told.
      () => this.resync(),
      () => {
        this.#watching = false;
      },
    );
  }
}

function outcomeOf(error: unknown): AcquireOutcome {
  if (error instanceof LockWaitTimeoutError) return 'timeout';
  return error instanceof LockBackendError ? 'backend-error' : 'aborted';
}
