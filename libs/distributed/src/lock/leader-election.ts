/** A leader election: of all applications that take part, one leads at a time. */
import { validateOptions } from '../distributed.validation.js';
import { Candidacy } from './candidacy.js';
import { electionSchemas, type LeaderExecuteOptions } from './election.options.js';
import { Leadership } from './leadership.js';
import type { Lock } from './lock.js';
import type { LockDesk } from './lock-desk.js';
import { LockClosedError, NotLeaderError } from './lock.errors.js';
import type { LockRequest } from './lock-request.js';
import { LockScope } from './lock-scope.js';
import { type Body, type LockSections, runIn } from './lock-sections.js';
import type { LockState } from './lock.store.js';

/** What the elections of an application share. */
export interface ElectionGround {
  readonly desk: LockDesk;
  readonly sections: LockSections;
  /** How long a resignation waits for work that has begun. */
  readonly graceMs: number;
}

/**
 * The leader is the holder of a lock that is renewed. An application takes part once, whatever in it
 * asks: from the first `join()`, `campaign()`, `terms()` or `execute()` until it resigns or shuts
 * down, and again after every loss. The fencing token of the lock is the number of the term.
 */
export class LeaderElection {
  #candidacy: Candidacy | undefined;
  #closed = false;

  constructor(
    private readonly ground: ElectionGround,
    private readonly request: LockRequest,
  ) {}

  /** The encoded key of its lock: `['election', name]`. */
  get key(): string {
    return this.request.key;
  }

  /** How long the leadership outlives a dead leader, in ms. */
  get leaseMs(): number {
    return this.request.leaseMs;
  }

  /** Whether this application leads at this instant: asks the clock, not a flag. */
  get isLeader(): boolean {
    return this.leadership !== undefined;
  }

  /** The present term of this application. Its signal aborts when the term ends; releasing it resigns. */
  get leadership(): Lock | undefined {
    return this.#candidacy?.term;
  }

  /** Takes part from now on; does not wait for the outcome. Does nothing after a shutdown. */
  join(): void {
    if (!this.#closed && !this.#candidacy) this.#stand();
  }

  /**
   * Takes part, also after a resignation, and waits until this application leads. Several callers
   * share one campaign.
   * @param signal ends the waiting, not the campaign
   * @throws LockClosedError `E_LOCK_CLOSED`; NotLeaderError `E_LOCK_NOT_LEADER` when the application
   *   resigns meanwhile; the reason of `signal`
   */
  async campaign(signal?: AbortSignal): Promise<Lock> {
    signal?.throwIfAborted();
    return await this.#stand().elected(signal);
  }

  /**
   * Takes part, and yields each term of this application. The term is not given back while the loop
   * body works on it: look at its signal, and do not await `resign()` in the loop. Ends when the
   * application resigns or shuts down, and when `signal` aborts.
   */
  async *terms(signal?: AbortSignal): AsyncGenerator<Lock, void, void> {
    if (this.#closed) return;
    const candidacy = this.#stand();
    for (let term: Leadership | undefined; ;) {
      try {
        term = await candidacy.elected(signal, term);
      } catch {
        return;
      }
      term.enter();
      try {
        yield term;
      } finally {
        term.leave();
      }
    }
  }

  /**
   * Runs `body` if this application leads. In it `currentLock()` is the leadership; the end of the
   * body does not end the term. Bodies run side by side. The body's own error arrives unchanged.
   * @throws NotLeaderError `E_LOCK_NOT_LEADER` with ifNotLeader `'throw'`: the body did not run
   * @throws LockLostError `E_LOCK_LOST`: it ran, and `result` holds what it returned
   */
  execute<T>(body: Body<T>, options: LeaderExecuteOptions & { ifNotLeader: 'throw' }): Promise<T>;
  execute<T>(body: Body<T>, options?: LeaderExecuteOptions): Promise<T | undefined>;
  async execute<T>(body: Body<T>, options: LeaderExecuteOptions = {}): Promise<T | undefined> {
    const path = 'LeaderElection.execute() options';
    const {
      ifNotLeader,
      onLost = 'throw',
      maxHold,
    } = validateOptions(electionSchemas.execute, options, path);
    this.join();
    const { desk, sections } = this.ground;
    const { name } = this.request;
    const term = this.#candidacy?.term ?? this.#termAround();
    if (!term && ifNotLeader === 'throw') throw new NotLeaderError(name);
    if (!term) return undefined;
    term.enter();
    const scope = LockScope.enter(sections, term, 'exclusive', {
      release: async () => term.leave(),
    });
    const overrun =
      maxHold === undefined
        ? undefined
        : desk.backend.clock.setTimer(() => term.depose('max-hold'), maxHold);
    try {
      return await runIn(scope, body, { name, onLost });
    } finally {
      overrun?.cancel();
    }
  }

  /**
   * Gives the leadership up, or the place in the queue, and takes no part until the next `campaign()`
   * or `terms()`. The signal of the term aborts; the next leader is elected as soon as bodies that had
   * begun are done, at the latest after `shutdownGrace`. Inside such a body it does not wait.
   */
  async resign(): Promise<void> {
    const resigned = this.#candidacy?.resign('resigned');
    if (!this.#termAround()) await resigned;
  }

  /**
   * Who leads now, on any machine; null when nobody does.
   * @throws LockBackendError `E_LOCK_BACKEND`
   */
  async query(): Promise<LockState | null> {
    const { store, commandTimeoutMs: deadlineMs } = this.ground.desk.backend;
    return await store.query(this.key, { deadlineMs });
  }

  /** Resigns for good: part of the shutdown. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#candidacy?.resign('shutdown');
  }

  #stand(): Candidacy {
    if (this.#closed) throw new LockClosedError();
    if (!this.#candidacy || this.#candidacy.ended) {
      const { desk, graceMs } = this.ground;
      this.#candidacy = new Candidacy(desk, this.request, graceMs);
    }
    return this.#candidacy;
  }

  /** The term the caller works in: also one that is coming to its end, while it holds. */
  #termAround(): Leadership | undefined {
    const lock = LockScope.find(this.ground.sections, this.key)?.lock;
    return lock instanceof Leadership ? lock : undefined;
  }
}
