/** A value in the memory of this process, and what a caller may do with it now. */
import { L1Entry } from './l1-entry.js';
import type { FoundValue, Outcome } from './found-value.js';

/** What L1 holds under a key. The fields of a hit stand on the entry itself, the rest beside it. */
export class MemoryEntry extends L1Entry {
  readonly value: unknown;
  /** Undefined for an entry without tags. */
  readonly tags: FoundValue['tags'] | undefined;
  /** Until then it is served without a further thought, if its tags live and nothing was missed. */
  servedUntil = 0;
  #refreshAt: number;

  /**
   * @param epoch of the invalidation bus in which the value was read; see InvalidationBus
   * @param checkAt until then it may be served without asking Redis whether it still counts
   * @param refreshAt from then on a caller has it refreshed
   */
  constructor(
    readonly found: FoundValue,
    readonly epoch: number,
    readonly checkAt: number,
    refreshAt: number,
    bytes: number,
  ) {
    const { freshUntil, staleUntil, errorUntil } = found.lifetime;
    // Whole milliseconds are small integers; fractions would cost an object each.
    super(Math.floor(Math.max(freshUntil, staleUntil, errorUntil)), bytes);
    this.value = found.outcome.value;
    this.tags = found.tags.length > 0 ? found.tags : undefined;
    this.#refreshAt = refreshAt;
    this.#reckon();
  }

  /** When a caller has it refreshed. */
  get refreshAt(): number {
    return this.#refreshAt;
  }

  /** Puts off the next attempt to refresh it. */
  postpone(until: number): void {
    this.#refreshAt = until;
    this.#reckon();
  }

  /** Whether nothing is to be thought about: the path of nearly every call. */
  isPlain(now: number, epoch: number): boolean {
    if (now >= this.servedUntil || epoch !== this.epoch) return false;
    if (this.tags !== undefined) for (const tag of this.tags) if (!tag.live) return false;
    return true;
  }

  #reckon(): void {
    const { freshUntil, staleUntil } = this.found.lifetime;
    const until = Math.min(Math.max(freshUntil, staleUntil), this.checkAt, this.#refreshAt);
    // A cached error is thrown, not returned: it takes the long way.
    this.servedUntil = this.found.outcome.failure ? 0 : Math.floor(until);
  }
}

/**
 * `fresh`: to be served. `due`: the same, and to be refreshed in the background. `doubtful`: Redis
 * must say whether it still counts. `late`: only when loading a new one fails. `over`: gone.
 */
export type MemoryState = 'fresh' | 'due' | 'doubtful' | 'late' | 'over';

/** What is true of the process at the moment of a call. */
export interface MemoryTrust {
  readonly now: number;
  readonly epoch: number;
  /** False while invalidations may be missed, or where every read is to be confirmed. */
  readonly trusting: boolean;
}

/** What the entry is worth now. */
export function memoryState(entry: MemoryEntry, trust: MemoryTrust): MemoryState {
  const { now } = trust;
  const { lifetime, tags } = entry.found;
  const servable = now < lifetime.freshUntil || now < lifetime.staleUntil;
  if (!servable && now >= lifetime.errorUntil) return 'over';
  if (!trust.trusting || entry.epoch !== trust.epoch || now >= entry.checkAt) return 'doubtful';
  // Shared objects: a message about a tag ends all its entries at once.
  for (const tag of tags) if (!tag.live) return 'doubtful';
  if (!servable) return 'late';
  return now < entry.refreshAt ? 'fresh' : 'due';
}

/** Bytes of an entry besides its key and value: the objects and a slot of a `Map`. */
const ENTRY_BYTES = 360;
/** Objects take two to four times the length of their encoded form. */
const OBJECT_FACTOR = 3;

/**
 * Estimated bytes of an entry in memory: measuring would cost more than it tells.
 * @param encodedLength length of the encoded value
 */
export function weigh(key: string, { value }: Outcome, encodedLength: number): number {
  const factor = typeof value === 'object' ? OBJECT_FACTOR : 1;
  return ENTRY_BYTES + key.length + factor * encodedLength;
}
