/** A Nest application with the cache capability and nothing else. */
import { type DynamicModule, type INestApplication, Module, type Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  AspectBinder,
  type AspectHandler,
  AspectRuntime,
} from '../../libs/distributed/src/aspects/index.js';
import {
  CachedAspect,
  CacheEvictAspect,
  CacheModule,
  type CacheOptions,
} from '../../libs/distributed/src/cache/index.js';
import { capabilityOptionsToken } from '../../libs/distributed/src/distributed.tokens.js';
import { RedisConnection } from '../../libs/distributed/src/redis/index.js';
import { Clock, Random, SystemClock, SystemRandom } from '../../libs/distributed/src/time/index.js';
import { type RedisServer, startRedis } from './redis.fixture.js';

/** The classes under test. */
export interface ApplicationParts {
  readonly imports?: DynamicModule[];
  readonly providers?: Type[];
  readonly controllers?: Type[];
}

@Module({})
class Ground {}

@Module({})
class Distributed {}

/** Boots applications around one Redis. */
export class CacheApplications {
  readonly #apps: INestApplication[] = [];

  private constructor(readonly server: RedisServer) {}

  static async start(): Promise<CacheApplications> {
    return new CacheApplications(await startRedis());
  }

  async stop(): Promise<void> {
    await this.server.stop();
  }

  /** Closes the applications, also those whose boot failed, and forgets everything. */
  async reset(): Promise<void> {
    await this.server.thaw();
    for (const app of this.#apps) await app.get(RedisConnection).client.flushall();
    await Promise.all(this.#apps.splice(0).map((app) => app.close()));
  }

  async boot(
    parts: ApplicationParts,
    options: CacheOptions = { ttl: '1m' },
  ): Promise<INestApplication> {
    const module = await Test.createTestingModule({
      ...parts,
      imports: [this.#distributed(options), ...(parts.imports ?? [])],
    }).compile();
    const app = module.createNestApplication({ logger: false });
    this.#apps.push(app);
    return app.init();
  }

  /** As `boot`, on one port: the host is part of a response's key, and supertest would choose one per request. */
  async listen(...controllers: Type[]): Promise<INestApplication> {
    const app = await this.boot({ controllers });
    await app.listen(0);
    return app;
  }

  /** What DistributedModule does for this capability. */
  #distributed(options: CacheOptions): DynamicModule {
    const ground: DynamicModule = {
      module: Ground,
      providers: [
        { provide: Clock, useClass: SystemClock },
        { provide: Random, useClass: SystemRandom },
        { provide: capabilityOptionsToken('cache'), useValue: options },
        {
          provide: RedisConnection,
          useFactory: () => RedisConnection.connect({ url: this.server.url }),
        },
      ],
      exports: [Clock, Random, capabilityOptionsToken('cache'), RedisConnection],
    };
    return {
      module: Distributed,
      global: true,
      imports: [CacheModule.register(ground)],
      providers: [
        AspectBinder,
        {
          provide: AspectRuntime,
          inject: [CachedAspect, CacheEvictAspect],
          useFactory: (...handlers: AspectHandler[]) => new AspectRuntime(handlers),
        },
      ],
      exports: [AspectRuntime, CacheModule],
    };
  }
}
