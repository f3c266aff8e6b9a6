/** What an invalidation is about: a key, a cache, or a tag; and how this process forgets it. */
import type { Clock } from '../time/index.js';
import type { CachePoison } from './cache-poison.js';
import type { CacheRegion } from './cache-region.js';
import type { InvalidationMode } from './cache.store.js';
import type { TagBook } from './tag-book.js';

export interface InvalidationSubject {
  /** For messages. */
  readonly names: readonly string[];
  readonly poison: CachePoison;
  /** What to poison; undefined: everything. */
  readonly key: string | undefined;
  /** Undefined for tags: they span caches. */
  readonly region: CacheRegion | undefined;
  /** Forgets it in this process, and fences what is on its way. */
  forget(): void;
  /** To be called when Redis has confirmed it, or failed to. */
  settled(confirmed: boolean): void;
}

/** One key of a cache, or all of them. */
export function regionSubject(
  region: CacheRegion,
  key: string | undefined,
  mode: InvalidationMode,
  clock: Clock,
): InvalidationSubject {
  return {
    names: [region.name],
    poison: region.poison,
    key,
    region,
    forget: () => region.forget(key, mode, clock.now()),
    settled: (confirmed) => region.counters.invalidation(key === undefined, confirmed),
  };
}

/** Everything that carries a tag. */
export function tagSubject(tags: TagBook, name: string): InvalidationSubject {
  return {
    names: ['(tag)'],
    poison: tags.poison,
    key: name,
    region: undefined,
    forget: () => tags.forget(name),
    settled: () => undefined,
  };
}
