/** One run of a factory, as the factory sees it: what is being loaded, and how to store it. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { type Duration, toMs } from '../time/index.js';

/**
 * The load in progress. A factory of `CacheService.getOrSet` gets it as its parameter; the body of a
 * `@Cached()` method, and whatever it calls, through `currentCacheLoad()`.
 */
export interface CacheLoad {
  /** Aborted when the load has taken longer than `timeout.hard`. */
  readonly signal: AbortSignal;
  /** The value that expired, if there still is one. */
  readonly stale: { readonly value: unknown } | undefined;
  /** Lifetime of the value that this load returns; 0 does not store it. */
  setTtl(ttl: Duration): void;
  /** Adds tags to the value that this load returns. */
  addTags(...tags: string[]): void;
  /** The value is returned, and not stored. */
  skip(): void;
}

/** What a factory has decided. */
export class LoadDecisions implements CacheLoad {
  readonly #abort = new AbortController();
  readonly tags = new Set<string>();
  ttlMs: number | undefined;

  constructor(readonly stale: { readonly value: unknown } | undefined) {}

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  abort(reason: unknown): void {
    this.#abort.abort(reason);
  }

  setTtl(ttl: Duration): void {
    this.ttlMs = Math.ceil(toMs(ttl, 'ttl'));
  }

  addTags(...tags: string[]): void {
    for (const tag of tags) this.tags.add(tag);
  }

  skip(): void {
    this.ttlMs = 0;
  }
}

/** Carries the load to the body of a decorated method. */
export class LoadScope {
  static readonly #current = new AsyncLocalStorage<CacheLoad>();

  static get current(): CacheLoad | undefined {
    return LoadScope.#current.getStore();
  }

  static run<T>(load: CacheLoad, run: () => T): T {
    return LoadScope.#current.run(load, run);
  }
}

/** The load that runs the current code; undefined outside of one. */
export function currentCacheLoad(): CacheLoad | undefined {
  return LoadScope.current;
}
