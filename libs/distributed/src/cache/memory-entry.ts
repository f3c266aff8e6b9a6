/** A value in the memory of this process, and what a caller may do with it now. */
import type { MarkVersion } from './entry-format.js';
import type { FoundValue, Outcome } from './found-value.js';
import { L1Entry } from './l1-entry.js';
import { type Lifetime, startingWith, type StaleTimes } from './lifetime.js';

/** What entries of one cache have in common: one object for all of them. */
export interface EntryOrigin extends StaleTimes {
  readonly generation: MarkVersion;
}

/** Stands in the place of a value: a cached error is thrown, not returned. */
class CachedFailure {
  constructor(readonly error: unknown) {}
}

/** What L1 holds under a key: one object, see L1Entry. Instants are whole milliseconds. */
export class MemoryEntry extends L1Entry {
  // First what a hit looks at: side by side in memory.
  readonly value: unknown;
  /** Until then it is served without a further thought, if its tags live and nothing was missed. */
  servedUntil: number;
  /** Of the invalidation bus when the value was read; see InvalidationBus. */
  readonly epoch: number;
  /** Undefined for an entry without tags. */
  readonly tags: FoundValue['tags'] | undefined;
  readonly freshUntil: number;
  /** Until then it may be served without asking Redis whether it still counts. */
  readonly checkAt: number;
  /** See `tokenMark`. */
  readonly mark: number;
  readonly origin: EntryOrigin;

  /** @param instants `refreshAt`: from then on a caller has it refreshed */
  constructor(
    found: FoundValue,
    origin: EntryOrigin,
    epoch: number,
    instants: { readonly checkAt: number; readonly refreshAt: number },
    bytes: number,
  ) {
    const { freshUntil, staleUntil, errorUntil } = found.lifetime;
    // Whole numbers are small integers; fractions would cost an object each.
    super(Math.floor(Math.max(freshUntil, staleUntil, errorUntil)), bytes);
    const { value, failure } = found.outcome;
    this.value = failure ? new CachedFailure(failure.error) : value;
    this.servedUntil = 0;
    this.epoch = epoch;
    this.tags = found.tags.length > 0 ? found.tags : undefined;
    this.freshUntil = Math.floor(freshUntil);
    this.checkAt = Math.floor(instants.checkAt);
    this.mark = found.mark;
    this.origin = origin;
    this.postpone(instants.refreshAt);
  }

  get outcome(): Outcome {
    const { value } = this;
    return value instanceof CachedFailure ? { value: undefined, failure: value } : { value };
  }

  get lifetime(): Lifetime {
    return startingWith(this.freshUntil, this.origin);
  }

  /** The value as a read would have found it; who made it and how long that took, Redis knows. */
  get found(): FoundValue {
    const { outcome, mark, tags = [], lifetime, origin } = this;
    return { ...origin, outcome, token: '', mark, tags, lifetime, loadMs: 0, encodedLength: 0 };
  }

  /** Puts off the next attempt to refresh it. */
  postpone(until: number): void {
    if (this.value instanceof CachedFailure) return;
    const { staleUntil } = this.lifetime;
    this.servedUntil = Math.floor(Math.min(staleUntil, this.checkAt, until));
  }

  /** Whether nothing is to be thought about: the path of nearly every call. */
  isPlain(now: number, epoch: number): boolean {
    if (now >= this.servedUntil || epoch !== this.epoch) return false;
    return this.tags === undefined || areLive(this.tags);
  }
}

/** Shared objects: a message about a tag ends all its entries at once. */
function areLive(tags: FoundValue['tags']): boolean {
  for (const tag of tags) if (!tag.live) return false;
  return true;
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
  const { staleUntil, errorUntil } = entry.lifetime;
  if (now >= staleUntil && now >= errorUntil) return 'over';
  if (!trust.trusting || entry.epoch !== trust.epoch || now >= entry.checkAt) return 'doubtful';
  if (entry.tags !== undefined && !areLive(entry.tags)) return 'doubtful';
  if (now >= staleUntil) return 'late';
  // A cached error is served without being refreshed.
  return now < entry.servedUntil || entry.servedUntil === 0 ? 'fresh' : 'due';
}

/** Bytes of an entry besides its key and value: the object and a slot of a `Map`. */
const ENTRY_BYTES = 200;
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
