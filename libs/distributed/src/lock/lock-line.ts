/**
 * The waiters of one key inside this process. One of them at a time contends in the store, for all;
 * what it gets passes from one to the next without another command, as often as fairness allows
 * (lock cohorting: Dice, Marathe and Shavit, PPoPP 2012).
 */
import { Bell } from './bell.js';
import { Contender, isGrant, type Refusal } from './contender.js';
import { HeldLock, type HolderDesk, type LeaseHome } from './held-lock.js';
import { LockBackendError, LockWaitTimeoutError } from './lock.errors.js';
import type { ReleaseOutcome } from './lock.js';
import type { LockTarget, ReleaseReply } from './lock.store.js';
import type { LockRequest } from './lock-request.js';
import { LockWaiter } from './lock-waiter.js';
import { pollPause, retryPause } from './pause.js';
import { type Grant, StoreLease } from './store-lease.js';
import type { StrictPlace, StrictQueue } from './strict-queue.js';

/** How often and for how long a lease may pass on inside this process before others get a chance. */
export interface HandoffLimits {
  readonly handoffs: number;
  readonly handoffMs: number;
}

/** What a line needs of the desk it belongs to. */
export interface LineDesk extends HolderDesk {
  readonly limits: HandoffLimits;
  /** Messages for `owner` are for this line; `undefined` when there will be none. */
  expect(owner: string, line: LockLine | undefined): void;
  /** Nobody waits, and nothing is held. */
  idle(line: LockLine): void;
}

/** A lease that is given back while others of this process wait. */
interface Handover {
  readonly lease: StoreLease;
  readonly settle: (outcome: ReleaseOutcome) => void;
}

/** First come, first served. */
export class LockLine implements LeaseHome, StrictPlace {
  readonly #waiters = new Set<LockWaiter>();
  readonly #bell = new Bell();
  #contender: Contender | undefined;
  #asking = false;
  #lease: StoreLease | undefined;
  #backendError: LockBackendError | undefined;

  /** @param strict the lines of the same key, when every waiter has a line of its own */
  constructor(
    private readonly desk: LineDesk,
    readonly target: LockTarget,
    private readonly strict?: StrictQueue,
  ) {}

  /** Whether this process holds the lock. */
  get held(): boolean {
    return (this.#lease?.remaining ?? 0) > 0;
  }

  /** Whether it has nothing to do. */
  get free(): boolean {
    return !this.#lease && !this.#contender;
  }

  /** Whether another waiter of this process asks for it: the store tells it when it is its turn. */
  get sleeps(): boolean {
    return this.strict?.sleeps(this) ?? false;
  }

  /** The token that stands in the store's queue. */
  get contender(): string | undefined {
    return this.#contender?.claim.owner;
  }

  /**
   * Waits for the lock.
   * @throws LockWaitTimeoutError `E_LOCK_WAIT_TIMEOUT` when somebody else held it all the time
   * @throws LockBackendError `E_LOCK_BACKEND` when the store did not answer; the reason of the signal
   */
  wait(request: LockRequest): Promise<HeldLock> {
    return new Promise((resolve, reject) => {
      const waiter = new LockWaiter(this.desk.backend.clock, request, { resolve, reject }, (left) =>
        this.#left(left),
      );
      this.#waiters.add(waiter);
      if (this.free) void this.#contend();
      else waiter.watchTime(this.#overdue);
    });
  }

  /** Takes over a lock that was got without waiting. Only when `free`. */
  adopt(grant: Grant, request: LockRequest): HeldLock {
    return this.#open(this.#take(grant, request), request);
  }

  /** It may be our turn. */
  wake(): void {
    this.#bell.ring();
  }

  /** Nobody gets a lock any more. */
  cancel(reason: unknown): void {
    for (const waiter of this.#waiters) waiter.fail(reason);
  }

  /** A holder is done with its lease: passes it on, hands it over, or gives it back. */
  giveBack(lease: StoreLease, keepMs: number): Promise<ReleaseOutcome> {
    const next = this.#first;
    if (next && keepMs === 0 && this.#mayPass(lease, next.request)) {
      next.grant(this.#open(lease, next.request));
      return RELEASED;
    }
    this.#drop(lease);
    if (next && keepMs === 0) return new Promise((settle) => void this.#contend({ lease, settle }));
    if (next) void this.#contend();
    else this.#rest();
    return this.#release(lease, keepMs);
  }

  /** A lease is over before its holder is done. */
  lost(lease: StoreLease): void {
    this.desk.watchdog.drop(lease);
    if (this.#lease !== lease) return;
    this.#lease = undefined;
    if (this.#first) void this.#contend();
    else this.#rest();
  }

  get #first(): LockWaiter | undefined {
    return this.#waiters.values().next().value;
  }

  async #contend(handover?: Handover): Promise<void> {
    const { backend } = this.desk;
    const contender = new Contender(backend, this.target);
    this.#contender = contender;
    this.desk.expect(contender.claim.owner, this);
    let failures = 0;
    let open = handover;
    for (let first = this.#first; first; first = this.#first) {
      this.#bell.reset();
      const answer = await this.#ask(contender, first.request, open);
      open = undefined;
      if (isGrant(answer)) {
        if (this.#accept(answer)) return;
        continue;
      }
      failures = this.#backendError ? failures + 1 : 0;
      for (const waiter of this.#waiters) waiter.watchTime(this.#overdue);
      if (first.overdue) this.#overdue(first);
      if (this.#waiters.size > 0) await this.#sleep(answer, failures);
    }
    contender.abandon();
    this.#stopContending();
    this.#rest();
  }

  /** False when the store has to be asked again, for a longer lease. */
  #accept(grant: Grant): boolean {
    const next = this.#first;
    // Everybody left while the store was asked: the loop ends, and cleans up.
    if (!next || next.request.leaseMs > grant.leaseMs) return false;
    this.#stopContending();
    next.grant(this.#open(this.#take(grant, next.request), next.request));
    return true;
  }

  #ask(
    contender: Contender,
    { leaseMs, name }: LockRequest,
    handover: Handover | undefined,
  ): Promise<Grant | Refusal> {
    this.#asking = true;
    contender.name = name;
    const attempt = contender.attempt({
      leaseMs,
      fences: this.strict ? 1 : this.desk.limits.handoffs + 1,
      queue: true,
      siblings: this.strict?.siblingsOf(this),
      frees: handover?.lease.claim.owner,
    });
    return attempt.then(
      (answer) => {
        this.#asking = false;
        this.#backendError = undefined;
        handover?.settle(outcomeOf(answer.freed, handover.lease));
        return answer;
      },
      (error: unknown) => {
        this.#asking = false;
        if (handover) this.#chase(handover.lease);
        handover?.settle('pending');
        if (error instanceof LockBackendError) this.#trouble(error);
        else this.cancel(error);
        return { retryMs: -1 };
      },
    );
  }

  /** Until it is time to ask again. */
  async #sleep({ retryMs }: Refusal, failures: number): Promise<void> {
    const { clock, random } = this.desk.backend;
    let pauseMs =
      failures > 0 ? retryPause(failures) : pollPause(this.sleeps ? -1 : retryMs, random);
    // While another one asks for all, only a message is a reason to ask.
    while (!(await this.#bell.heard(pauseMs, clock)) && failures === 0 && this.sleeps)
      pauseMs = pollPause(-1, random);
  }

  #mayPass(lease: StoreLease, next: LockRequest): boolean {
    const { limits, backend } = this.desk;
    return (
      !this.strict &&
      next.renew &&
      lease.renewed &&
      next.leaseMs === lease.leaseMs &&
      lease.fencesLeft > 0 &&
      backend.clock.now() - lease.grantedAt < limits.handoffMs &&
      lease.remaining > lease.leaseMs / 2
    );
  }

  #take(grant: Grant, { renew }: LockRequest): StoreLease {
    const lease = new StoreLease(this.desk.backend.clock, grant, renew);
    this.#lease = lease;
    this.desk.watchdog.keep(lease);
    return lease;
  }

  #open(lease: StoreLease, request: LockRequest): HeldLock {
    return new HeldLock(this.desk, this, lease, request);
  }

  #drop(lease: StoreLease): void {
    this.desk.watchdog.drop(lease);
    if (this.#lease === lease) this.#lease = undefined;
  }

  #release(lease: StoreLease, keepMs: number): Promise<ReleaseOutcome> {
    const { store, commandTimeoutMs: deadlineMs } = this.desk.backend;
    return store.release(lease.claim, { deadlineMs, keepMs }).then(
      (reply) => outcomeOf(reply, lease),
      () => {
        this.#chase(lease, keepMs);
        return 'pending';
      },
    );
  }

  #chase({ claim, name, leaseMs }: StoreLease, keepMs = 0): void {
    this.desk.backend.chase.start({ claim, name, forMs: leaseMs, absentIsFinal: true, keepMs });
  }

  /** Not while the store is asked for it: the answer may be the lock. */
  readonly #overdue = (waiter: LockWaiter): void => {
    if (this.#asking && waiter === this.#first) return;
    const { name, waitMs } = waiter.request;
    waiter.fail(
      this.#backendError?.nothingRan ?? new LockWaitTimeoutError(name, this.target.key, waitMs),
    );
  };

  #trouble(error: LockBackendError): void {
    this.#backendError = error;
    for (const { request } of this.#waiters) request.onTrouble?.(error);
  }

  #left(waiter: LockWaiter): void {
    this.#waiters.delete(waiter);
    if (this.#waiters.size === 0) this.#bell.ring();
  }

  #stopContending(): void {
    if (this.#contender) this.desk.expect(this.#contender.claim.owner, undefined);
    this.#contender = undefined;
    this.strict?.leave(this);
  }

  #rest(): void {
    if (this.free && this.#waiters.size === 0) this.desk.idle(this);
  }
}

const RELEASED: Promise<ReleaseOutcome> = Promise.resolve('released');

/** What a release was; the lease hears of a loss nobody had noticed. */
function outcomeOf(reply: ReleaseReply | undefined, lease: StoreLease): ReleaseOutcome {
  if (reply !== 'absent') return 'released';
  lease.lose('revoked');
  return 'already-lost';
}
