import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type DynamicModule, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { type RedisServer, startRedis } from '../../../../test/support/redis.fixture.js';
import { Clock, Random, SystemClock, SystemRandom } from '../time/index.js';
import { RedisConnection } from './redis.connection.js';
import { RedisModule } from './redis.module.js';
import { REDIS_OPTIONS } from './redis.options.js';

@Module({})
class CoreModule {
  static with(redis: unknown): DynamicModule {
    const providers = [
      { provide: Clock, useClass: SystemClock },
      { provide: Random, useClass: SystemRandom },
      { provide: REDIS_OPTIONS, useValue: redis },
    ];
    return { module: CoreModule, providers, exports: providers.map(({ provide }) => provide) };
  }
}

describe('RedisModule', () => {
  let server: RedisServer;

  beforeAll(async () => {
    server = await startRedis();
  });

  afterAll(() => server.stop());

  it('connects before the application starts and closes after it has shut down', async () => {
    const core = CoreModule.with({ url: server.url });
    const module = await Test.createTestingModule({
      imports: [RedisModule.register(core)],
    }).compile();
    const connection = module.get(RedisConnection);
    await module.init();
    expect(connection.up).toBe(true);
    await module.close();
    expect(connection.up).toBe(false);
    await expect(connection.execute('ping', (client) => client.ping())).rejects.toMatchObject({
      code: 'E_REDIS_UNAVAILABLE',
    });
  });

  it('fails the boot with the path of a wrong option', async () => {
    const core = CoreModule.with({ url: server.url, heartbeat: '5s' });
    const testing = Test.createTestingModule({ imports: [RedisModule.register(core)] });
    await expect(testing.compile()).rejects.toThrow(
      "DistributedModule.forRoot().redis.heartbeat: unknown option 'heartbeat'",
    );
  });
});
