/** nestjs-distributed through its public door: a decorated method of a provider, and CacheService. */
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Cached, type CachedOptions, CacheService, DistributedModule } from 'nestjs-distributed';
import {
  type CacheContender,
  type Key,
  type Load,
  MAX_ENTRIES,
  type OpenOptions,
} from '../contender.js';

const NAME = 'bench';

/** Version and settings: see `docs/bench.md`. Always with Redis and messages, even where peers go without. */
export async function openOurs(options: OpenOptions): Promise<CacheContender> {
  const { url, load, ttlMs, staleMs } = options;
  const cached: CachedOptions = {
    name: NAME,
    key: (key: Key) => key,
    ttl: ttlMs,
    l1: { maxEntries: MAX_ENTRIES, maxBytes: 2 ** 30, maxTtl: '10m' },
    ...(staleMs !== undefined && { staleWhileRevalidate: staleMs }),
  };

  class Source {
    constructor(private readonly load: Load) {}

    @Cached(cached)
    read(key: Key): Promise<unknown> {
      return this.load(key);
    }
  }

  @Module({
    imports: [DistributedModule.forRoot({ redis: { url }, cache: {} })],
    providers: [{ provide: Source, useFactory: () => new Source(load) }],
  })
  class Root {}

  const app = await NestFactory.createApplicationContext(Root, { logger: ['error'] });
  const caches = app.get(CacheService);
  const source = app.get(Source);
  return {
    read: (key) => source.read(key),
    forget: (key) => caches.delete(NAME, key),
    close: () => app.close(),
  };
}
