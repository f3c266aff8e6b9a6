/** Aborts and timeouts of the web platform: `AbortController`, `AbortSignal.timeout()`. */
import type { ErrorClassifier } from '../failure.js';

/** `AbortError` means that a caller gave up; `TimeoutError` that somebody waited long enough. */
export const cancellations: ErrorClassifier = (error) => {
  const { name, code } = error as { name?: unknown; code?: unknown };
  if (code === 'ABORT_ERR' || code === 'ERR_CANCELED' || isAbortOfThePlatform(error))
    return { kind: 'cancelled', executed: 'unknown', source: 'node', code: 'ABORT_ERR' };
  if (name === 'TimeoutError' && error instanceof DOMException)
    return { kind: 'transient', executed: 'unknown', source: 'node', code: 'TIMEOUT' };
  return undefined;
};

/** ioredis has an `AbortError` of its own, which is a lost connection: it comes with a command. */
function isAbortOfThePlatform(error: object): boolean {
  return (error as { name?: unknown }).name === 'AbortError' && error instanceof DOMException;
}
