/** `lock: { durability }`: how many copies of a lock there must be. */
import * as v from 'valibot';
import { durationSchema } from '../distributed.validation.js';
import type { Duration } from '../time/index.js';

/**
 * A lock counts when so many replicas have it. With fewer, nobody gets a lock (`LockBackendError`
 * once `wait` is over), and holders lose theirs at the end of the lease that replicas still knew.
 */
export interface LockDurability {
  /** As many as can be promoted to master, for no lock to be lost in a failover. At least 1. */
  replicas: number;
  /** How long the master waits for them, with each grant and renewal. Default `'100ms'`. */
  timeout?: Duration;
}

/** Checks it; the timeout becomes milliseconds. */
export const durabilitySchema = v.strictObject({
  replicas: v.pipe(
    v.number('expected how many replicas must have a lock, such as 1'),
    v.integer('must be a whole number'),
    v.minValue(1, 'must be at least 1; leave `durability` out to wait for none'),
  ),
  timeout: v.optional(
    v.pipe(durationSchema, v.minValue(1, 'must be at least 1 ms: 0 would wait for ever')),
    '100ms',
  ),
});
