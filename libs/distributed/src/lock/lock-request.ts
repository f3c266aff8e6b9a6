/** What a line is asked for: a key, and the settings that concern one acquisition. */
import type { LockBackendError } from './lock.errors.js';
import type { LockSettings } from './lock.options.js';

/** What one acquisition asks for. */
export type LockRequest = Pick<
  LockSettings,
  | 'name'
  | 'leaseMs'
  | 'waitMs'
  | 'renew'
  | 'fairness'
  | 'minHoldMs'
  | 'maxHoldMs'
  | 'onLost'
  | 'signal'
  | 'mode'
  | 'limit'
> & {
  /** The encoded key. */
  readonly key: string;
  /** Told of each attempt that the store did not answer while the caller goes on waiting. */
  readonly onTrouble?: (error: LockBackendError) => void;
};

/** What is asked for `key`. Field by field: copied as a whole, it would cost as much as a command. */
export function requestOf(key: string, settings: LockSettings): LockRequest {
  return {
    key,
    name: settings.name,
    leaseMs: settings.leaseMs,
    waitMs: settings.waitMs,
    renew: settings.renew,
    fairness: settings.fairness,
    minHoldMs: settings.minHoldMs,
    maxHoldMs: settings.maxHoldMs,
    onLost: settings.onLost,
    signal: settings.signal,
    mode: settings.mode,
    limit: settings.limit,
  };
}
