/** Waiting for one thing while another may come first. */
import type { Clock } from '../time/index.js';

/**
 * True when `event` resolves within `ms`, false when the time is over first. Rejects with the
 * reason of `signal` when that aborts first.
 */
export async function happensWithin(
  event: Promise<unknown>,
  ms: number,
  clock: Clock,
  signal?: AbortSignal,
): Promise<boolean> {
  signal?.throwIfAborted();
  return await new Promise<boolean>((resolve, reject) => {
    const finish = (settle: () => void): void => {
      timer.cancel();
      signal?.removeEventListener('abort', onAbort);
      settle();
    };
    const onAbort = (): void => finish(() => reject(signal?.reason as Error));
    const timer = clock.setTimer(() => finish(() => resolve(false)), ms, { keepAlive: true });
    signal?.addEventListener('abort', onAbort, { once: true });
    event.then(
      () => finish(() => resolve(true)),
      (error: unknown) => finish(() => reject(error as Error)),
    );
  });
}

/** The outcome of `work`, or a rejection with the reason of `signal` when that aborts first. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    if (onAbort) signal.removeEventListener('abort', onAbort);
  }
}
