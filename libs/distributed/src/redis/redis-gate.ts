/** Holds calls back for a moment while the connection is down, and no longer. */
import type { Clock } from '../time/index.js';

/** How waiting at the gate ended: `gone` when the connection has been down for too long. */
export type GateResult = 'open' | 'gone' | 'late' | 'closed';

/** Knows since when a client has been down. */
export class RedisGate {
  readonly #clock: Clock;
  readonly #offlineMs: number;
  readonly #isReady: () => boolean;
  readonly #waiters = new Set<(result: GateResult) => void>();
  #downSince: number | undefined;
  #closed = false;

  /**
   * @param isReady asks the client, whose events come a moment after its state
   * @param offlineMs how long calls may wait, counted from the loss of the connection
   */
  constructor(isReady: () => boolean, clock: Clock, offlineMs: number) {
    this.#isReady = isReady;
    this.#clock = clock;
    this.#offlineMs = offlineMs;
    if (!isReady()) this.#downSince = clock.now();
  }

  /** Whether calls may pass now. */
  get open(): boolean {
    return !this.#closed && this.#isReady();
  }

  /** True after `close()`. */
  get closed(): boolean {
    return this.#closed;
  }

  /** To be told when the connection is ready. */
  up(): void {
    this.#downSince = undefined;
    this.#release('open');
  }

  /** To be told when the connection is lost; repeated news do not restart the wait. */
  down(): void {
    this.#downSince ??= this.#clock.now();
  }

  /** Lets nobody pass any more. */
  close(): void {
    this.#closed = true;
    this.#release('closed');
  }

  /** Waits until the gate opens, at most `maxMs`, at most as long as a lost connection is bridged. */
  async pass(maxMs: number): Promise<GateResult> {
    const now = this.#clock.now();
    const patienceMs = (this.#downSince ?? now) + this.#offlineMs - now;
    return this.wait(maxMs, Math.max(0, patienceMs));
  }

  /** Waits until the gate opens: `late` after `maxMs`, `gone` after `patienceMs`. */
  async wait(maxMs: number, patienceMs = Infinity): Promise<GateResult> {
    if (this.#closed) return 'closed';
    if (this.open) return 'open';
    const result: GateResult = patienceMs < maxMs ? 'gone' : 'late';
    const waitMs = Math.min(maxMs, patienceMs);
    if (waitMs <= 0) return result;
    return new Promise((resolve) => {
      const settle = (outcome: GateResult): void => {
        timer.cancel();
        this.#waiters.delete(settle);
        resolve(outcome);
      };
      const timer = this.#clock.setTimer(() => settle(result), waitMs, { keepAlive: true });
      this.#waiters.add(settle);
    });
  }

  #release(result: GateResult): void {
    for (const settle of this.#waiters) settle(result);
  }
}
