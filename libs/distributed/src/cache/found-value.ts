/** A value as a read or a load found it: decoded, with what its stored form says of it. */
import type { MarkVersion } from './entry-format.js';
import type { Lifetime, StaleTimes } from './lifetime.js';
import type { Tag } from './tag-book.js';

/** What a caller gets: a value, or a cached error. An object, because `undefined` is a value too. */
export interface Outcome {
  readonly value: unknown;
  /** Set for a cached error. */
  readonly failure?: { readonly error: unknown };
}

export interface FoundValue extends StaleTimes {
  readonly outcome: Outcome;
  /** Identifies the fill that made it; '' when it comes from memory. */
  readonly token: string;
  /** Tells the value from others of its key: see `tokenMark`. */
  readonly mark: number;
  readonly generation: MarkVersion;
  readonly tags: readonly Tag[];
  readonly lifetime: Lifetime;
  /** How long the load took, in milliseconds. */
  readonly loadMs: number;
  /** Bytes of the encoded value, not compressed. */
  readonly encodedLength: number;
}

/** What the caller gets: the value, or its cached error. */
export function settle({ value, failure }: Outcome): unknown {
  if (failure) throw failure.error;
  return value;
}
