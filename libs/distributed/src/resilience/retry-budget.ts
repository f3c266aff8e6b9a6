/** The share of calls that may be repeats: keeps retries from multiplying an outage. */
import type { Clock } from '../time/index.js';
import { SlidingWindow } from './sliding-window.js';

/** Settings of a retry budget. */
export interface RetryBudgetConfig {
  /** Repeats per call; 0.2 lets 100 calls make 20 repeats. */
  readonly ratio: number;
  /** Repeats per second that are always allowed, so that a quiet service can retry at all. */
  readonly minPerSecond: number;
  readonly windowMs: number;
}

/**
 * Counts calls and repeats over a sliding window and grants a repeat while
 * `repeats < ratio × calls + minPerSecond × window`. Finagle's RetryBudget, Envoy's retry_budget.
 */
export class RetryBudget {
  readonly #window: SlidingWindow<'calls' | 'retries'>;

  constructor(
    private readonly config: RetryBudgetConfig,
    clock: Clock,
  ) {
    this.#window = new SlidingWindow(clock, config.windowMs, ['calls', 'retries']);
  }

  /** A call begins (not a repeat). */
  called(): void {
    this.#window.add('calls');
  }

  /** Takes one repeat out of the budget; false when it is spent. */
  tryRetry(): boolean {
    if (this.available < 1) return false;
    this.#window.add('retries');
    return true;
  }

  /** Repeats that would be granted now. */
  get available(): number {
    const floor = (this.config.minPerSecond * this.config.windowMs) / 1_000;
    const granted = this.config.ratio * this.#window.total('calls') + floor;
    return Math.max(0, Math.floor(granted - this.#window.total('retries')));
  }
}
