/** Time and randomness as dependencies, so that tests decide both. */
import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';

/** A running timer; `cancel` is idempotent. */
export interface Timer {
  cancel(): void;
}

/** The time source of every room. Monotonic: never compared between machines. */
export abstract class Clock {
  /** Milliseconds on a monotonic clock; the origin is arbitrary. */
  abstract now(): number;
  /** Wall clock, milliseconds since the epoch; for display only, never for deciding who owns what. */
  abstract epochMs(): number;
  /** Calls `callback` once after `ms`. Timers do not keep the process alive unless `keepAlive` is set. */
  abstract setTimer(callback: () => void, ms: number, options?: { keepAlive?: boolean }): Timer;

  /**
   * Resolves after `ms`; rejects with the signal's reason when `signal` aborts first.
   * Keeps the process alive: somebody awaits it.
   */
  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => {
        timer.cancel();
        reject(signal?.reason as Error);
      };
      const timer = this.setTimer(
        () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        },
        ms,
        { keepAlive: true },
      );
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }
}

/** The longest delay `setTimeout` accepts; longer ones would fire at once. */
const MAX_TIMEOUT_MS = 2_147_483_647;

/** The machine's own clocks. */
export class SystemClock extends Clock {
  now(): number {
    return performance.now();
  }

  epochMs(): number {
    return Date.now();
  }

  setTimer(callback: () => void, ms: number, options: { keepAlive?: boolean } = {}): Timer {
    const handle = setTimeout(callback, Math.min(Math.max(0, ms), MAX_TIMEOUT_MS));
    if (!options.keepAlive) handle.unref();
    return { cancel: () => clearTimeout(handle) };
  }
}

/** The source of randomness of every room. */
export abstract class Random {
  /** Uniform in [0, 1). */
  abstract next(): number;
  /** A token nobody else will draw: 128 bits as 22 base64url characters. */
  abstract token(): string;
}

/** `Math.random` for jitter, the system's CSPRNG for tokens. */
export class SystemRandom extends Random {
  next(): number {
    return Math.random();
  }

  token(): string {
    return randomBytes(16).toString('base64url');
  }
}
