/** `@Cached()`: answers a method's call from the cache, and loads a missing value once per cluster. */
import { type MethodAspect, weave } from '../aspects/index.js';
import { type CachedOptions, type CachedSettings, resolveCachedOptions } from './cached.options.js';

/* oxlint-disable typescript/no-explicit-any -- see MethodAspect */
/**
 * Caches what the method's promise holds. Every caller gets the same deeply frozen plain data.
 * Runs outside of resilience, lock and transaction: a hit takes none of them.
 *
 * @example
 * @Cached({ name: 'user.byId', ttl: '5m' })
 * async findById(id: string): Promise<User | null> { … }
 *
 * @throws InvalidOptionsError `E_OPTIONS_INVALID` at decoration, or at boot without any `ttl`
 * @throws CacheNameDuplicateError `E_CACHE_NAME_DUPLICATE` at boot
 * @throws CacheKeyError `E_CACHE_KEY` at a call whose arguments identify nothing
 * @throws CacheValueError `E_CACHE_VALUE` at a call whose result cannot be stored
 */
export function Cached<A extends any[] = any[], R = any>(
  options: CachedOptions<A, R> = {},
): MethodAspect<A, R> {
  return weave<CachedSettings, A, R>({
    kind: 'cache',
    decorator: 'Cached',
    order: options.order,
    options: (path) => resolveCachedOptions(options, path),
  });
}
/* oxlint-enable typescript/no-explicit-any */
