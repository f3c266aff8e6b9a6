/** `@CachePut()`: writes what the method returned into the cache. */
import { type MethodAspect, weave } from '../aspects/index.js';
import { type CacheAction, type CachePutOptions, resolvePutOptions } from './cached.options.js';

/* oxlint-disable typescript/no-explicit-any -- see MethodAspect */
/**
 * Writes the returned value under `key` after the method has resolved; inside an outer transaction
 * after its commit. If anybody evicted or wrote the same key while the method ran, nobody knows
 * which value is newer, and the entry is evicted instead. Repeatable.
 *
 * @example
 * @CachePut({ name: 'user.byId', key: (user: User) => user.id })
 * async save(user: User): Promise<User> { … }
 *
 * @throws InvalidOptionsError `E_OPTIONS_INVALID` at decoration
 * @throws CacheUnknownError `E_CACHE_UNKNOWN` at boot
 * @throws CacheInvalidationError `E_CACHE_INVALIDATION` at a call whose write is not confirmed
 */
export function CachePut<A extends any[] = any[], R = any>(
  options: CachePutOptions<A, R>,
): MethodAspect<A, R> {
  return weave<readonly CacheAction[], A, R>({
    kind: 'cache-evict',
    decorator: 'CachePut',
    order: options.order,
    options: (path) => [resolvePutOptions(options, path)],
    combine: (existing, added) => [...existing, ...added],
  });
}
/* oxlint-enable typescript/no-explicit-any */
