/** What a caller wants, and the rules for it: the cache's own, or those of the one call. */
import type { CacheDefinition } from './cache-definition.options.js';
import type { CacheLoad } from './cache-load.js';
import type { CacheRegion } from './cache-region.js';

/** One wanted value. */
export interface LoadRequest {
  readonly region: CacheRegion;
  readonly key: string;
  readonly factory: (load: CacheLoad) => unknown;
  readonly policy: LoadPolicy;
}

/** Rules of one load; durations in milliseconds. */
export interface LoadPolicy extends Pick<
  CacheDefinition,
  'ttl' | 'negativeTtl' | 'staleWhileRevalidate' | 'staleIfError' | 'timeout'
> {
  /** False: the factory does not run when its caller has been answered. */
  readonly background?: boolean | undefined;
  /** Tags known before the load. */
  readonly tags?: (() => readonly string[]) | undefined;
  /** Tags that depend on the value. */
  readonly resultTags?: ((value: unknown) => readonly string[]) | undefined;
  /** True does not store the value. */
  readonly unless?: ((value: unknown) => unknown) | undefined;
  /** For how long an error is cached; 0 does not. */
  readonly cacheErrors?: ((error: unknown) => number) | undefined;
}
