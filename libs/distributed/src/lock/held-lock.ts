/** A lock granted by the store: its lease, its watchdog and the one way it can end. */
import { type Duration, toMs } from '../time/index.js';
import { Lease } from './lease.js';
import { Lock, type ReleaseOutcome } from './lock.js';
import { type LockBackendError, LockLostError, type LockLossReason } from './lock.errors.js';
import { lockEvents } from './lock.events.js';
import type { Grant, LockBackend } from './lock-ticket.js';
import { LockWatchdog } from './lock-watchdog.js';

/** How one lock behaves. */
export interface HeldLockOptions {
  /** For messages and metrics. */
  readonly name: string;
  /** Whether the watchdog renews the lease. */
  readonly renew: boolean;
  /** Whether `signal` aborts when the lock is lost. */
  readonly abortOnLoss: boolean;
  /** Called when the lock has been released or lost; both may happen. */
  readonly onEnd: (lock: HeldLock) => void;
}

/** Held until released or lost; loss is final, a late renewal does not undo it. */
export class HeldLock extends Lock {
  readonly key: string;
  readonly owner: string;
  readonly fencingToken: number;
  readonly #abort = new AbortController();
  readonly #lease: Lease;
  readonly #watchdog: LockWatchdog;
  readonly #leaseMs: number;
  readonly #acquiredAt: number;
  #loss: LockLostError | undefined;
  #outcome: Promise<ReleaseOutcome> | undefined;
  #ended = false;

  constructor(
    private readonly backend: LockBackend,
    grant: Grant,
    private readonly options: HeldLockOptions,
  ) {
    super();
    this.key = grant.key;
    this.owner = grant.owner;
    this.fencingToken = grant.fencingToken;
    this.#leaseMs = grant.leaseMs;
    this.#acquiredAt = backend.clock.now();
    this.#lease = new Lease(backend.clock, grant.sentAt, grant.leaseMs, () => this.lose('expired'));
    this.#watchdog = new LockWatchdog(backend.clock, {
      leaseMs: grant.leaseMs,
      renew: () => this.#renew(grant.leaseMs),
      revoked: () => this.lose('revoked'),
      failed: (error) => this.#renewalFailed(error),
    });
    if (options.renew) this.#watchdog.start();
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get remaining(): number {
    return this.#ended || this.#loss ? 0 : this.#lease.remaining;
  }

  get held(): boolean {
    return this.remaining > 0;
  }

  get loss(): LockLostError | undefined {
    // The timer may be late after a blocked event loop; the clock is not.
    if (!this.#ended && !this.#loss && this.#lease.remaining === 0) this.lose('expired');
    return this.#loss;
  }

  assertHeld(): void {
    if (this.loss) throw this.loss;
    if (this.#ended) throw new LockLostError(this.options.name, this.key, 'released');
  }

  async extend(lease: Duration = this.#leaseMs): Promise<void> {
    this.assertHeld();
    if (!(await this.#renew(toMs(lease, 'lock.extend(lease)')))) this.lose('revoked');
    this.assertHeld();
  }

  async release(): Promise<ReleaseOutcome> {
    if (!this.#outcome) {
      const { loss } = this;
      this.#ended = true;
      this.#outcome = this.#release(loss);
    }
    return await this.#outcome;
  }

  /** The lock is gone, whoever found out. Ignored once it was lost or released. */
  lose(reason: LockLossReason): void {
    if (this.#loss || this.#ended) return;
    this.#endLease();
    this.#recordLoss(reason);
    this.options.onEnd(this);
  }

  async #release(loss: LockLostError | undefined): Promise<ReleaseOutcome> {
    this.#endLease();
    const outcome = loss ? this.#releaseLost(loss) : await this.#releaseHeld();
    const { key } = this;
    const { name, onEnd } = this.options;
    const heldMs = this.backend.clock.now() - this.#acquiredAt;
    lockEvents.emit('release', () => ({ name, key, outcome, heldMs }));
    onEnd(this);
    return outcome;
  }

  async #releaseHeld(): Promise<ReleaseOutcome> {
    const { store, commandTimeoutMs: deadlineMs } = this.backend;
    try {
      const reply = await store.release(this.key, this.owner, { deadlineMs });
      if (reply !== 'absent') return 'released';
      this.#recordLoss('revoked');
      return 'already-lost';
    } catch {
      this.#chase();
      return 'pending';
    }
  }

  #releaseLost(loss: LockLostError): ReleaseOutcome {
    // A renewal without a reply may have prolonged the lease in the store beyond the local deadline.
    if (loss.reason !== 'revoked') this.#chase();
    return 'already-lost';
  }

  #chase(): void {
    const { key, owner } = this;
    this.backend.chase.start({ key, owner, forMs: this.#leaseMs, absentIsFinal: true });
  }

  async #renew(leaseMs: number): Promise<boolean> {
    const { clock, store, commandTimeoutMs } = this.backend;
    const sentAt = clock.now();
    const deadlineMs = Math.max(1, Math.min(commandTimeoutMs, this.#lease.remaining));
    const renewed = await store.renew(this.key, this.owner, leaseMs, { deadlineMs });
    if (renewed) this.#lease.extend(sentAt, leaseMs);
    return renewed;
  }

  #renewalFailed(error: unknown): void {
    const { key, remaining: remainingMs } = this;
    const { name } = this.options;
    lockEvents.emit('renewFailed', () => ({ name, key, error, remainingMs }));
  }

  #endLease(): void {
    this.#watchdog.stop();
    this.#lease.end();
  }

  #recordLoss(reason: LockLossReason): void {
    const { key, fencingToken } = this;
    const { name, abortOnLoss } = this.options;
    this.#loss = new LockLostError(name, key, reason);
    lockEvents.emit('lost', () => ({ name, key, reason, fencingToken }));
    if (abortOnLoss) this.#abort.abort(this.#loss);
  }
}

/** What a body gets that runs although the store is down (`onBackendError: 'run'`): no protection. */
export class UnprotectedLock extends Lock {
  /** 0: a resource that checks fencing tokens refuses it. */
  readonly fencingToken = 0;
  readonly remaining = 0;
  readonly held = false;
  readonly loss = undefined;
  readonly #abort = new AbortController();

  constructor(
    readonly key: string,
    private readonly problem: LockBackendError,
  ) {
    super();
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  assertHeld(): void {
    throw this.problem;
  }

  async extend(): Promise<void> {
    throw this.problem;
  }

  async release(): Promise<ReleaseOutcome> {
    return 'released';
  }
}
