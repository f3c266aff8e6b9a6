/** Bounds of the memory level as users write them. */
import { describe, expect, it } from '@jest/globals';
import { resolveCacheOptions } from './cache.options.js';
import { CacheRegistry } from './cache-registry.js';

describe('cache: { l1 }', () => {
  it('is bounded in entries and bytes by default, with S3-FIFO', () => {
    const registry = new CacheRegistry(resolveCacheOptions({ ttl: '1m' }));
    expect(registry.open('any').definition.l1).toEqual({
      maxEntries: 10_000,
      maxBytes: 67_108_864,
      policy: 's3-fifo',
      maxTtl: 60_000,
      isolation: 'freeze',
    });
  });

  it('each cache may have its own bounds and policy', () => {
    const registry = new CacheRegistry(
      resolveCacheOptions({
        ttl: '1m',
        caches: { sessions: { l1: { policy: 'lru', maxBytes: 1_000 } } },
      }),
    );
    expect(registry.open('sessions').definition.l1).toEqual({
      maxEntries: 10_000,
      maxBytes: 1_000,
      policy: 'lru',
      maxTtl: 60_000,
      isolation: 'freeze',
    });
  });

  it.each([
    [{ policy: 'fifo' }, 'policy'],
    [{ maxBytes: 0 }, 'maxBytes'],
    [{ maxBytes: '64MiB' }, 'maxBytes'],
    [{ max: 10 }, 'max'],
  ])('refuses %p', (l1, field) => {
    expect(() => resolveCacheOptions({ l1 } as never)).toThrow(`cache.l1.${field}`);
  });
});
