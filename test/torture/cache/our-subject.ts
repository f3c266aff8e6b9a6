/** nestjs-distributed as an application uses it: a decorated method, and CacheService. */
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { CachedOptions } from 'nestjs-distributed';
import { twoWayClient } from '../two-way-client.js';
import { type Subject, type SubjectOptions, TTL_MS } from './subject.js';

/** Short, so that a run sees deaf nodes. */
export const BUS_HEARTBEAT_MS = 150;
/** A node without its own echo serves nothing from memory after so long: the documented bound. */
export const BUS_TIMEOUT_MS = 600;

const NAME = 'torture';

/** Opens a node. */
export async function openOurs(options: SubjectOptions): Promise<Subject> {
  const { redisUrl, messagesPort, load, tagOf } = options;
  const library = (await import(options.library)) as typeof import('nestjs-distributed');
  const cached: CachedOptions = {
    name: NAME,
    ttl: TTL_MS,
    l1: { maxTtl: TTL_MS },
    tags: (key: number) => [`tag-${tagOf(key)}`],
  };

  class Source {
    @library.Cached(cached)
    read(key: number): Promise<number> {
      return load(key);
    }
  }

  @Module({
    imports: [
      library.DistributedModule.forRoot({
        redis: { client: () => twoWayClient(redisUrl, messagesPort) },
        cache: {
          lease: { ttl: '2s', wait: '1s' },
          bus: { heartbeat: BUS_HEARTBEAT_MS, timeout: BUS_TIMEOUT_MS },
        },
      }),
    ],
    providers: [Source],
  })
  class Root {}

  const app = await NestFactory.createApplicationContext(Root, {
    logger: false,
    abortOnError: false,
  });
  const caches = app.get(library.CacheService);
  const source = app.get(Source);
  return {
    read: (key) => source.read(key),
    forget: (key) => caches.delete(NAME, key),
    forgetTag: (tag) => caches.invalidateTags([`tag-${tag}`]),
    clear: () => caches.clear(NAME),
    settled: () => {
      const { bus, pendingInvalidations } = caches.health();
      return bus === 'up' && pendingInvalidations === 0;
    },
    isUnconfirmed: (error) => library.isDistributedError(error, 'E_CACHE_INVALIDATION'),
  };
}
