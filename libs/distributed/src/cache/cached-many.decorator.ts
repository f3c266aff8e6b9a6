/** `@CachedMany()`: answers a method that loads several items by their ids, item by item. */
import { type MethodAspect, weave } from '../aspects/index.js';
import {
  type CachedManyOptions,
  type CachedManySettings,
  resolveCachedManyOptions,
} from './cached-many.options.js';

/* oxlint-disable typescript/no-explicit-any -- see MethodAspect */
/**
 * The method gets the ids that are not cached, and is not called when there are none. Callers get the
 * items in the order of their ids, without those that do not exist; those are remembered as such for
 * `negativeTtl`. Entries are shared with the `@Cached()` of the same name.
 *
 * @example
 * @CachedMany({ name: 'user.byId', pick: (user: User) => user.id })
 * async findByIds(ids: string[]): Promise<User[]> { … }
 *
 * @throws InvalidOptionsError `E_OPTIONS_INVALID` at decoration
 * @throws CacheUnknownError `E_CACHE_UNKNOWN` at boot
 * @throws CacheKeyError `E_CACHE_KEY` at a call whose ids identify nothing, or are no parameter
 */
export function CachedMany<A extends any[] = any[], T = any>(
  options: CachedManyOptions<A, T>,
): MethodAspect<A, T[]> {
  return weave<CachedManySettings, A, T[]>({
    kind: 'cache',
    decorator: 'CachedMany',
    order: options.order,
    options: (path) => resolveCachedManyOptions(options, path),
  });
}
/* oxlint-enable typescript/no-explicit-any */
