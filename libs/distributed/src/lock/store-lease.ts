/** What the store granted: the part of it that can be relied on, and the holders it may pass through. */
import type { Clock } from '../time/index.js';
import type { LockLossReason } from './lock.errors.js';
import type { LockClaim } from './lock.store.js';

/** Clocks of two machines run at slightly different rates: Redlock's allowance of 1 % + 2 ms. */
const DRIFT_RATIO = 0.01;
const DRIFT_MS = 2;

/** An acquisition the store has confirmed. */
export interface Grant {
  readonly claim: LockClaim;
  readonly leaseMs: number;
  /** `clock.now()` before the granting command was sent. */
  readonly sentAt: number;
  /** The first of the reserved fencing tokens. */
  readonly fencingToken: number;
  /** How many tokens were reserved. */
  readonly fences: number;
}

/**
 * A lease of this process. It counts from the instant before the command was sent, because the
 * server may have started it right then; and it ends at its deadline whatever the network does.
 */
export class StoreLease {
  readonly claim: LockClaim;
  readonly grantedAt: number;
  /** Label of the present holder, for events. */
  name = '';
  /** Who holds it at present is told of its loss. */
  onLoss: ((reason: LockLossReason) => void) | undefined;
  #deadline: number;
  #leaseMs: number;
  #fencesUsed = 0;
  #loss: LockLossReason | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly grant: Grant,
    /** Whether the watchdog renews it. */
    readonly renewed: boolean,
  ) {
    this.claim = grant.claim;
    this.grantedAt = clock.now();
    this.#leaseMs = grant.leaseMs;
    this.#deadline = deadlineOf(grant.sentAt, grant.leaseMs);
  }

  /** How long it lasts with each renewal. */
  get leaseMs(): number {
    return this.#leaseMs;
  }

  /** The instant, on the local clock, at which it must be considered over. */
  get deadline(): number {
    return this.#deadline;
  }

  /** Milliseconds left; 0 when it is over. */
  get remaining(): number {
    return this.#loss ? 0 : Math.max(0, this.#deadline - this.clock.now());
  }

  /** Why it is over before its holder said so. */
  get loss(): LockLossReason | undefined {
    // The timer may be late after a blocked event loop; the clock is not.
    if (!this.#loss && this.#deadline <= this.clock.now()) this.lose('expired');
    return this.#loss;
  }

  /** How many holders it can still pass through. */
  get fencesLeft(): number {
    return this.grant.fences - this.#fencesUsed;
  }

  /** The fencing token of the next holder; 0 when the store promises none. */
  nextFence(): number {
    const used = this.#fencesUsed++;
    return this.grant.fencingToken === 0 ? 0 : this.grant.fencingToken + used;
  }

  /** Takes over a confirmed renewal; never shortens. */
  extend(sentAt: number, leaseMs: number): void {
    this.#deadline = Math.max(this.#deadline, deadlineOf(sentAt, leaseMs));
  }

  /** It is over, whoever found out. The first reason stays. */
  lose(reason: LockLossReason): void {
    if (this.#loss) return;
    this.#loss = reason;
    this.onLoss?.(reason);
  }
}

/** When a lease granted by a command sent at `sentAt` must be considered over. */
export function deadlineOf(sentAt: number, leaseMs: number): number {
  return sentAt + leaseMs - (leaseMs * DRIFT_RATIO + DRIFT_MS);
}
