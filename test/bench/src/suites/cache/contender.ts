/** A cache library in the bench: what every competitor has to be able to do. */

/** What identifies a value. Who knows only texts makes one of a number, as its users would. */
export type Key = string | number;

/** Where values come from. */
export type Load = (key: Key) => Promise<unknown>;

/** How a cache is opened. */
export interface OpenOptions {
  readonly url: string;
  readonly load: Load;
  /** `memory`: as fast as the library gets without Redis; `both`: shared by several processes. */
  readonly levels: 'memory' | 'both';
  readonly ttlMs: number;
  /** How long after `ttlMs` a value may be served while Redis or the source does not answer. */
  readonly staleMs?: number;
}

/** One cache of one library, with connections of its own. */
export interface CacheContender {
  /** The library's read-through. */
  read(key: Key): Promise<unknown>;
  /** Forgets one value, on every node if the library can; absent where it cannot at all. */
  forget(key: Key): Promise<unknown>;
  /** Ends its connections. */
  close(): Promise<unknown>;
}

/** Entries that fit into memory, for everybody. */
export const MAX_ENTRIES = 200_000;
