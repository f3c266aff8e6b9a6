/** A cache under torture, seen by its load. */

/** One node. Values are versions. */
export interface Subject {
  /** Read-through. */
  read(key: number): Promise<number>;
  /** Invalidates one key; resolves when that is acknowledged. */
  forget(key: number): Promise<unknown>;
  /** Invalidates all keys of a tag; absent where there are no tags. */
  forgetTag?(tag: number): Promise<unknown>;
  /** Invalidates everything; absent where that does not hold. */
  clear?(): Promise<unknown>;
  /** Whether nothing is on its way any more, as far as the node knows. */
  settled(): boolean;
  /** Whether an error of an invalidation means that it is not confirmed, as documented. */
  isUnconfirmed(error: unknown): boolean;
}

/** What a subject is made with. */
export interface SubjectOptions {
  readonly library: string;
  readonly redisUrl: string;
  readonly messagesPort: number;
  readonly tagOf: (key: number) => number;
  readonly load: (key: number) => Promise<number>;
}

/** Long enough that nothing stale goes away by itself. */
export const TTL_MS = 600_000;
