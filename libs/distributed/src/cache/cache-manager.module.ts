/** Takes the place of `CacheModule` of `@nestjs/cache-manager`. */
import { type DynamicModule, Module } from '@nestjs/common';
import { CACHE_MANAGER, type CacheManagerOptions } from './cache-manager.options.js';
import { CacheManagerService } from './cache-manager.service.js';

/**
 * Provides `CACHE_MANAGER`, so that `@Inject(CACHE_MANAGER) cache: Cache` goes on to work, with the
 * levels and the guarantees of this cache. Needs `DistributedModule` with `cache`.
 *
 * @example
 * @Module({ imports: [CacheManagerModule.register({ ttl: '1m', isGlobal: true })] })
 */
@Module({})
export class CacheManagerModule {
  /** @throws InvalidOptionsError `E_OPTIONS_INVALID` at boot */
  static register({
    isGlobal = false,
    ...options
  }: CacheManagerOptions & { readonly isGlobal?: boolean } = {}): DynamicModule {
    return {
      module: CacheManagerModule,
      global: isGlobal,
      providers: [
        {
          provide: CACHE_MANAGER,
          inject: [CacheManagerService],
          useFactory: (managers: CacheManagerService) => managers.create(options),
        },
      ],
      exports: [CACHE_MANAGER],
    };
  }
}
