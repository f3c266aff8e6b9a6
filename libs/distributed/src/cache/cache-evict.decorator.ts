/** `@CacheEvict()`: forgets cached values when the method has changed what they were made of. */
import { type MethodAspect, weave } from '../aspects/index.js';
import { type CacheAction, type CacheEvictOptions, resolveEvictOptions } from './cached.options.js';

/* oxlint-disable typescript/no-explicit-any -- see MethodAspect */
/**
 * Evicts one entry (`key`) or a whole cache (`all`) after the method has resolved; inside an outer
 * transaction after its commit. A method that throws evicts nothing. Repeatable, also together with
 * `@CachePut()`.
 *
 * @example
 * @CacheEvict({ name: 'user.byId', key: (id: string) => id })
 * async rename(id: string, name: string): Promise<void> { … }
 *
 * @throws InvalidOptionsError `E_OPTIONS_INVALID` at decoration
 * @throws CacheUnknownError `E_CACHE_UNKNOWN` at boot
 * @throws CacheInvalidationError `E_CACHE_INVALIDATION` at a call whose eviction is not confirmed
 */
export function CacheEvict<A extends any[] = any[]>(
  options: CacheEvictOptions<A>,
): MethodAspect<A> {
  return weave<readonly CacheAction[], A>({
    kind: 'cache-evict',
    decorator: 'CacheEvict',
    order: options.order,
    options: (path) => [resolveEvictOptions(options, path)],
    combine: (existing, added) => [...existing, ...added],
  });
}
/* oxlint-enable typescript/no-explicit-any */
