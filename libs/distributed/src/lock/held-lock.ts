/** A lock in the hands of a caller: a lease for a while, a fencing token of its own, one end. */
import { type Duration, type Timer, toMs } from '../time/index.js';
import { Lock, type ReleaseOutcome } from './lock.js';
import type { LockBackend } from './lock-backend.js';
import { LockLostError, type LockLossReason } from './lock.errors.js';
import { lockEvents } from './lock.events.js';
import type { LockRequest } from './lock-request.js';
import type { LockWatchdog } from './lock-watchdog.js';
import type { StoreLease } from './store-lease.js';

/** Where a lease goes when its holder is done with it. */
export interface LeaseHome {
  /** @param keepMs keeps the lock taken for so long */
  giveBack(lease: StoreLease, keepMs: number): Promise<ReleaseOutcome>;
  /** It is over before its holder is done. */
  lost(lease: StoreLease): void;
}

/** Who knows all holders of the application. */
export interface HolderDesk {
  readonly backend: LockBackend;
  readonly watchdog: LockWatchdog;
  /** Somebody holds a lock. */
  opened(lock: HeldLock): void;
  /** He has released or lost it; both may happen. */
  closed(lock: HeldLock): void;
}

/** Held until released or lost; loss is final, a late renewal does not undo it. */
export class HeldLock extends Lock {
  override readonly name: string;
  readonly key: string;
  readonly fencingToken: number;
  readonly #acquiredAt: number;
  #abort: AbortController | undefined;
  #overrun: Timer | undefined;
  #loss: LockLostError | undefined;
  #outcome: Promise<ReleaseOutcome> | undefined;

  constructor(
    private readonly desk: HolderDesk,
    private readonly home: LeaseHome,
    private readonly lease: StoreLease,
    private readonly request: LockRequest,
  ) {
    super();
    const { clock } = desk.backend;
    this.name = request.name;
    this.key = request.key;
    this.fencingToken = lease.nextFence();
    this.#acquiredAt = clock.now();
    lease.name = request.name;
    lease.onLoss = this.#lost;
    if (request.maxHoldMs !== undefined)
      this.#overrun = clock.setTimer(() => lease.lose('max-hold'), request.maxHoldMs);
    desk.opened(this);
  }

  get signal(): AbortSignal {
    // Made for those who ask: most holders never do.
    if (!this.#abort) {
      this.#abort = new AbortController();
      if (this.loss && this.request.onLost !== 'ignore') this.#abort.abort(this.loss);
    }
    return this.#abort.signal;
  }

  get remaining(): number {
    return this.#outcome ? 0 : this.lease.remaining;
  }

  get held(): boolean {
    return this.remaining > 0;
  }

  get loss(): LockLostError | undefined {
    // Asking makes the lease look at the clock: its timer may be late after a blocked event loop.
    if (!this.#outcome && this.lease.loss && !this.#loss) this.#lost(this.lease.loss);
    return this.#loss;
  }

  assertHeld(): void {
    if (this.loss) throw this.loss;
    if (this.#outcome) throw new LockLostError(this.request.name, this.key, 'released');
  }

  async extend(lease: Duration = this.lease.leaseMs): Promise<void> {
    this.assertHeld();
    const renewed = await this.desk.watchdog.renew(this.lease, toMs(lease, 'lock.extend(lease)'));
    if (!renewed && !this.#outcome) this.lease.lose('revoked');
    this.assertHeld();
  }

  release(): Promise<ReleaseOutcome> {
    this.#outcome ??= this.#release();
    return this.#outcome;
  }

  /** Takes it away from its holder. */
  lose(reason: LockLossReason): void {
    if (!this.#outcome) this.lease.lose(reason);
  }

  #release(): Promise<ReleaseOutcome> {
    const { loss } = this;
    const done = loss ? Promise.resolve(this.#releaseLost(loss)) : this.#giveBack();
    return done.then((outcome) => {
      const { key } = this;
      const { name } = this.request;
      lockEvents.emit('release', () => ({ name, key, outcome, heldMs: this.#heldMs }));
      this.desk.closed(this);
      return outcome;
    });
  }

  get #heldMs(): number {
    return this.desk.backend.clock.now() - this.#acquiredAt;
  }

  #giveBack(): Promise<ReleaseOutcome> {
    this.#overrun?.cancel();
    const heldMs = this.#heldMs;
    return this.home.giveBack(this.lease, Math.max(0, Math.ceil(this.request.minHoldMs - heldMs)));
  }

  #releaseLost(loss: LockLostError): ReleaseOutcome {
    // A renewal without a reply may have prolonged the lease in the store beyond the local deadline.
    const { claim, leaseMs } = this.lease;
    if (loss.reason !== 'revoked')
      this.desk.backend.chase.start({
        claim,
        name: this.name,
        forMs: leaseMs,
        absentIsFinal: true,
      });
    return 'already-lost';
  }

  readonly #lost = (reason: LockLossReason): void => {
    if (this.#loss) return;
    const { key, fencingToken } = this;
    const { name, onLost } = this.request;
    this.#overrun?.cancel();
    this.#loss = new LockLostError(name, key, reason);
    this.home.lost(this.lease);
    lockEvents.emit('lost', () => ({ name, key, reason, fencingToken }));
    if (onLost !== 'ignore') this.#abort?.abort(this.#loss);
    this.desk.closed(this);
  };
}
