/** Makes the objects behind `CACHE_MANAGER`, one per name. */
import { Injectable } from '@nestjs/common';
import { Clock } from '../time/index.js';
import { CacheManager } from './cache-manager.js';
import { type CacheManagerOptions, resolveCacheManagerOptions } from './cache-manager.options.js';
import { CacheRegistry } from './cache-registry.js';
import { CacheService } from './cache.service.js';

/** Used by `CacheManagerModule`; the caches themselves belong to the capability. */
@Injectable()
export class CacheManagerService {
  constructor(
    private readonly cache: CacheService,
    private readonly registry: CacheRegistry,
    private readonly clock: Clock,
  ) {}

  /** @throws InvalidOptionsError `E_OPTIONS_INVALID`, also when nobody gives a `ttl` */
  create(options: CacheManagerOptions): CacheManager {
    const settings = resolveCacheManagerOptions(options);
    const { name, ttl } = settings;
    const owner = { label: 'CacheManagerModule.register', targetClass: CacheManager };
    const { definition } =
      this.registry.find(name) ??
      this.registry.define(name, { ttl, jitter: 0, refreshAhead: false }, owner);
    return new CacheManager(this.cache, this.clock, { ...settings, ttl: ttl ?? definition.ttl });
  }
}
