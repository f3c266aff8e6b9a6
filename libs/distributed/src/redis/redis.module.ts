/** The module of the Redis layer: provides `RedisConnection`. */
import { type DynamicModule, Module } from '@nestjs/common';
import { Clock, Random } from '../time/index.js';
import { RedisConnection } from './redis.connection.js';
import { REDIS_OPTIONS, type RedisOptions } from './redis.options.js';

@Module({})
export class RedisModule {
  /**
   * @param imports modules that provide `REDIS_OPTIONS`, `Clock` and `Random`; options that are null
   *   mean that nobody needs Redis, and there is no connection
   */
  static register(...imports: DynamicModule[]): DynamicModule {
    return {
      module: RedisModule,
      imports,
      providers: [
        {
          provide: RedisConnection,
          inject: [REDIS_OPTIONS, Clock, Random],
          useFactory: (options: RedisOptions | null, clock: Clock, random: Random) =>
            options === null ? undefined : RedisConnection.connect(options, clock, random),
        },
      ],
      exports: [RedisConnection],
    };
  }
}
