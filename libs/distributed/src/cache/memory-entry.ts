/** What a cache keeps in the memory of this process. */
import { L1Entry } from './l1-entry.js';

/** A value in memory. */
export class MemoryEntry extends L1Entry {
  /** @param epoch of the invalidation bus when the value was read; see InvalidationBus */
  constructor(
    readonly value: unknown,
    readonly epoch: number,
    expiresAt: number,
    bytes: number,
  ) {
    super(expiresAt, bytes);
  }
}

/** Bytes of an entry besides its key and value: the object and a slot of a `Map`. */
const ENTRY_BYTES = 200;
/** Objects take two to four times the length of their encoded form. */
const OBJECT_FACTOR = 3;

/**
 * Estimated bytes of an entry in memory: measuring would cost more than it tells.
 * @param encodedLength length of the encoded value
 */
export function weigh(key: string, value: unknown, encodedLength: number): number {
  const factor = typeof value === 'object' ? OBJECT_FACTOR : 1;
  return ENTRY_BYTES + key.length + factor * encodedLength;
}
