/** Keeps a lease alive while its holder works. */
import type { Clock, Timer } from '../time/index.js';

/** Renewals per lease: two may fail before the lease is in danger. Redisson uses the same. */
const RENEWALS_PER_LEASE = 3;
const FIRST_RETRY_MS = 50;

/** What the watchdog drives. */
export interface RenewableLease {
  readonly leaseMs: number;
  /** Renews once; false when the store says that the lock belongs to somebody else. */
  renew(): Promise<boolean>;
  /** The store denied the renewal; the watchdog has ended. */
  revoked(): void;
  /** One renewal failed; the watchdog goes on. */
  failed(error: unknown): void;
}

/**
 * Renews at a third of the lease. A failed renewal is repeated quickly until `stop()`: the lease
 * itself, not the watchdog, decides when it is too late.
 */
export class LockWatchdog {
  #timer: Timer | undefined;
  #failures = 0;
  #stopped = false;

  constructor(
    private readonly clock: Clock,
    private readonly lease: RenewableLease,
  ) {}

  /** Plans the first renewal. */
  start(): void {
    this.#plan(this.lease.leaseMs / RENEWALS_PER_LEASE);
  }

  /** No further renewal is sent. Idempotent. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #plan(ms: number): void {
    if (!this.#stopped) this.#timer = this.clock.setTimer(() => void this.#renew(), ms);
  }

  async #renew(): Promise<void> {
    const { leaseMs } = this.lease;
    const startedAt = this.clock.now();
    try {
      const renewed = await this.lease.renew();
      if (this.#stopped) return;
      if (!renewed) {
        this.stop();
        this.lease.revoked();
        return;
      }
      this.#failures = 0;
      this.#plan(startedAt + leaseMs / RENEWALS_PER_LEASE - this.clock.now());
    } catch (error) {
      if (this.#stopped) return;
      this.lease.failed(error);
      const longest = leaseMs / RENEWALS_PER_LEASE / 2;
      this.#plan(Math.min(FIRST_RETRY_MS * 2 ** this.#failures++, longest));
    }
  }
}
