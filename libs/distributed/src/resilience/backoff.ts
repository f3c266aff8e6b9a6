/** How long to wait before the next attempt. */
import type { Random } from '../time/index.js';

/**
 * How a delay is spread, so that many callers do not come back together
 * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
 * - `full`: anywhere from 0 to the exponential delay
 * - `equal`: half of it fixed, half random
 * - `none`: the exponential delay itself
 */
export type Jitter = 'full' | 'equal' | 'none';

/** Settings of a back-off. */
export interface BackoffConfig {
  readonly initialMs: number;
  readonly factor: number;
  readonly maxMs: number;
  readonly jitter: Jitter;
}

/**
 * Milliseconds before attempt `attempt + 1`.
 * @param attempt the attempt that just failed; the first is 1
 */
export function backoffMs(config: BackoffConfig, attempt: number, random: Random): number {
  const exponential = Math.min(config.maxMs, config.initialMs * config.factor ** (attempt - 1));
  switch (config.jitter) {
    case 'none':
      return exponential;
    case 'equal':
      return exponential / 2 + (random.next() * exponential) / 2;
    case 'full':
      return random.next() * exponential;
  }
}
