/** What must and what must not compile around the decorators of the cache. */
import {
  Cached,
  CachedMany,
  CacheEvict,
  CachePut,
} from '../../libs/distributed/src/cache/index.js';

interface User {
  readonly id: string;
  readonly orgId: string;
}

const ada: User = { id: '', orgId: '' };

export class MustCompile {
  @Cached({ name: 'orders.of', key: (c: string) => c, tags: (c: string) => [`customer:${c}`] })
  async keyAndTagsOfTheParameters(_customer: string): Promise<User[]> {
    return [];
  }

  @Cached({
    key: (id: string) => id,
    resultTags: (user: User, id: string) => [id, user.orgId],
    unless: (user: User) => user.orgId === '',
    staleWhileRevalidate: '30s',
    staleIfError: '1h',
    refreshAhead: { at: 0.8 },
    timeout: { soft: '200ms', hard: '5s' },
    scope: [() => 'tenant'],
    l1: { isolation: 'clone' },
  })
  async everything(_id: string, _page?: number): Promise<User> {
    return ada;
  }

  @Cached({ tags: ['constant'] })
  async constantTags(): Promise<User> {
    return ada;
  }

  @CachedMany({ name: 'user.byId', pick: (user: User) => user.id })
  async items(_ids: string[]): Promise<User[]> {
    return [];
  }

  @CachedMany({
    name: 'user.byId',
    ids: (_tenant: string, ids: readonly string[]) => ids,
    pick: (user: User) => user.id,
  })
  async itemsOfTheSecondParameter(_tenant: string, _ids: readonly string[]): Promise<User[]> {
    return [];
  }

  @CacheEvict({ tags: (id: string) => [id], mode: 'expire' })
  @CacheEvict({ name: 'a', key: (id: string) => id })
  @CacheEvict({ name: 'a', all: true })
  @CachePut({ name: 'a', key: (id: string) => id, tags: (user: User) => [user.orgId] })
  async changes(_id: string): Promise<User> {
    return ada;
  }
}

export class MustNotCompile {
  // @ts-expect-error the parameter is a number
  @Cached({ key: (id: string) => id })
  async wrongKey(_id: number): Promise<User> {
    return ada;
  }

  // @ts-expect-error the parameter is a number
  @Cached({ tags: (id: string) => [id] })
  async wrongTags(_id: number): Promise<User> {
    return ada;
  }

  // @ts-expect-error the items have no such id
  @CachedMany({ name: 'user.byId', pick: (user: { readonly key: string }) => user.key })
  async wrongItems(_ids: string[]): Promise<User[]> {
    return [];
  }

  // @ts-expect-error a single value is no list of items
  @CachedMany({ name: 'user.byId', pick: (user: User) => user.id })
  async noItems(_ids: string[]): Promise<User> {
    return ada;
  }

  // @ts-expect-error a key without the name of a cache
  @CacheEvict({ key: (id: string) => id })
  async nameless(_id: string): Promise<void> {}
}
