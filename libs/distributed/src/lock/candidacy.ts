/** One application that takes part in an election: waits, leads, and campaigns again. */
import { Logger } from '@nestjs/common';
import { LockClosedError, type LockLossReason, NotLeaderError } from './lock.errors.js';
import { lockEvents } from './lock.events.js';
import type { LockRequest } from './lock-request.js';
import type { HeldLock } from './held-lock.js';
import type { LockDesk } from './lock-desk.js';
import { Leadership } from './leadership.js';
import { campaignPause } from './pause.js';

/**
 * Waits in the queue of the lock without a limit: an outage of the store is waited out there, and the
 * place is kept. Never rejects; ends with `resign()`.
 */
export class Candidacy {
  readonly #logger = new Logger('LeaderElection');
  readonly #withdrawal = new AbortController();
  readonly #waiting = new Set<() => void>();
  readonly #done: Promise<void>;
  #term: Leadership | undefined;
  #over: LockLossReason | undefined;
  #troubled = false;

  constructor(
    private readonly desk: LockDesk,
    private readonly request: LockRequest,
    private readonly graceMs: number,
  ) {
    this.#done = this.#run();
  }

  /** The present term, if this application leads. */
  get term(): Leadership | undefined {
    return this.#term?.leads ? this.#term : undefined;
  }

  /** Whether the application does not take part any more. */
  get ended(): boolean {
    return this.#over !== undefined;
  }

  /**
   * The present term, or the next one.
   * @param after a term that does not count any more
   * @throws NotLeaderError `E_LOCK_NOT_LEADER`, LockClosedError `E_LOCK_CLOSED` when the application
   *   does not take part any more; the reason of `signal`
   */
  async elected(signal?: AbortSignal, after?: Leadership): Promise<Leadership> {
    for (;;) {
      signal?.throwIfAborted();
      if (this.#over === 'shutdown') throw new LockClosedError();
      if (this.#over) throw new NotLeaderError(this.request.name);
      const { term } = this;
      if (term && term !== after) return term;
      await this.#news(signal);
    }
  }

  /** Leaves the queue, or ends the term in good order. */
  async resign(reason: LockLossReason): Promise<void> {
    this.#over ??= reason;
    this.#withdrawal.abort(new NotLeaderError(this.request.name));
    this.#announce();
    await this.#term?.stepDown(reason, this.graceMs, this.desk.backend.clock);
    await this.#done;
  }

  async #run(): Promise<void> {
    const { clock, random } = this.desk.backend;
    const { signal } = this.#withdrawal;
    let failures = 0;
    while (!this.#over) {
      const startedAt = clock.now();
      const lock = await this.#obtain();
      const electedAt = clock.now();
      if (lock) await this.#lead(lock, electedAt - startedAt);
      // Whoever cannot keep the leadership for a lease does not grasp at it again and again.
      failures = lock && clock.now() - electedAt >= this.request.leaseMs ? 0 : failures + 1;
      if (!this.#over)
        await clock.sleep(campaignPause(failures, random), signal).catch(() => undefined);
    }
  }

  async #obtain(): Promise<HeldLock | null> {
    try {
      const { signal } = this.#withdrawal;
      const onTrouble = (error: unknown): void => this.#warn(error);
      const lock = await this.desk.acquire({ ...this.request, signal, onTrouble });
      this.#troubled = false;
      return lock;
    } catch (error) {
      if (error instanceof LockClosedError) this.#over ??= 'shutdown';
      else if (!this.#over) this.#warn(error);
      return null;
    }
  }

  async #lead(lock: HeldLock, waitedMs: number): Promise<void> {
    const { clock } = this.desk.backend;
    const { name, key, fencingToken: term } = lock;
    const electedAt = clock.now();
    if (this.#over) return void (await lock.release());
    const leadership = new Leadership(lock, () => this.resign('resigned'));
    this.#term = leadership;
    lockEvents.emit('elected', () => ({ name, key, term, waitedMs }));
    this.#announce();
    const reason = await leadership.over;
    this.#term = undefined;
    const ledMs = clock.now() - electedAt;
    lockEvents.emit('deposed', () => ({ name, key, term, reason, ledMs }));
    this.#announce();
  }

  /** Once per outage: the campaign goes on, and nobody awaits it whom it could tell. */
  #warn(error: unknown): void {
    if (this.#troubled) return;
    this.#troubled = true;
    const problem = error instanceof Error ? error.message : String(error);
    this.#logger.warn(`The election '${this.request.name}' cannot be held at present: ${problem}`);
  }

  /** Until the next change. */
  #news(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const forget = (): void => {
        this.#waiting.delete(onNews);
        signal?.removeEventListener('abort', onAbort);
      };
      const onNews = (): void => {
        forget();
        resolve();
      };
      const onAbort = (): void => {
        forget();
        reject(signal?.reason as Error);
      };
      this.#waiting.add(onNews);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  #announce(): void {
    for (const onNews of this.#waiting) onNews();
  }
}
