/** The trial calls of one half-open period: a few at a time, each on a lease. */
import { type CircuitBreakerConfig, type Permit, tooMany } from './circuit.js';

/** What the trials say so far. */
export type Verdict = 'undecided' | 'recovered' | 'still-failing';

/**
 * Gives out `probes` leases and judges their outcomes. A probe that hangs would block recovery for
 * ever, so its lease ends and counts as a failure; a probe that says nothing gives its place back.
 */
export class ProbeLeases {
  readonly #inFlight = new Set<Permit>();
  #done = 0;
  #failures = 0;
  #slow = 0;

  constructor(private readonly generation: number) {}

  /** A lease, or undefined when all places are taken. */
  tryAcquire(config: CircuitBreakerConfig, now: number): Permit | undefined {
    if (this.#done + this.#inFlight.size >= config.probes) return undefined;
    const permit = { generation: this.generation, leaseEndsAt: now + config.probeLeaseMs };
    this.#inFlight.add(permit);
    return permit;
  }

  /** When the oldest lease ends: by then there is a place, or a verdict. */
  get oldestLeaseEndsAt(): number | undefined {
    const [oldest] = this.#inFlight;
    return oldest?.leaseEndsAt;
  }

  /** Gives the place back; the outcome of a lease that has ended changes nothing. */
  release(permit: Permit): boolean {
    return this.#inFlight.delete(permit);
  }

  /** Counts the outcome of a released probe. */
  count(failed: boolean, slow: boolean): void {
    this.#done++;
    if (failed) this.#failures++;
    if (slow) this.#slow++;
  }

  /** Counts leases that ended without an outcome as failures. */
  expire(now: number): void {
    for (const permit of this.#inFlight) {
      if (permit.leaseEndsAt === undefined || permit.leaseEndsAt > now) return;
      this.release(permit);
      this.count(true, false);
    }
  }

  /** Failing as soon as the rest cannot save it, recovered when all have answered. */
  verdict(config: CircuitBreakerConfig): Verdict {
    const counts = { calls: config.probes, failures: this.#failures, slow: this.#slow };
    if (tooMany(config, counts)) return 'still-failing';
    return this.#done >= config.probes ? 'recovered' : 'undecided';
  }
}
