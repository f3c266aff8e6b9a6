/** The Redis of the locks when the application boots: refused, warned of, or looked at later. */
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { Redis } from 'ioredis';
import { type RedisServer, startRedis } from '../../../../test/support/redis.fixture.js';
import { DistributedModule, type DistributedModuleOptions } from '../index.js';
import { RedisConnection } from '../redis/index.js';
import { LockService } from './lock.service.js';
import type { LockStore } from './lock.store.js';

describe('boot', () => {
  let server: RedisServer;
  let admin: Redis;
  const opened: Promise<RedisConnection>[] = [];

  /** Connections are made here: of a boot that fails, nobody else would close them. */
  const boot = async (options: DistributedModuleOptions): Promise<TestingModule> => {
    const connect = (): Promise<RedisConnection> | undefined => {
      const connecting = options.redis && RedisConnection.connect(options.redis);
      if (connecting) opened.push(connecting);
      return connecting;
    };
    const app = await Test.createTestingModule({ imports: [DistributedModule.forRoot(options)] })
      .overrideProvider(RedisConnection)
      .useFactory({ factory: connect })
      .compile();
    return await app.init();
  };
  const as = (rules: string): Promise<string> =>
    admin
      .call('ACL', 'SETUSER', 'app', 'reset', 'on', '>secret', ...rules.split(' '))
      .then(() => server.url.replace('redis://', 'redis://app:secret@'));

  beforeAll(async () => {
    server = await startRedis({ args: ['--repl-diskless-sync-delay', '0'] });
    admin = new Redis(server.url);
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    for (const redis of opened.splice(0)) await (await redis).close();
  });
  afterAll(async () => {
    admin.disconnect();
    await server.stop();
  });

  it('fails when a right is missing, not at the first lock', async () => {
    const url = await as('+@all ~* &* -publish');
    await expect(boot({ redis: { url }, lock: {} })).rejects.toMatchObject({
      code: 'E_LOCK_SETUP',
      message: expect.stringMatching(
        /PUBLISH is refused; grant it with: ACL SETUSER app \+publish/,
      ),
    });
  });

  it('does not look at the Redis of others', async () => {
    const url = await as('+@all ~* &* -publish');
    const app = await boot({ redis: { url }, cache: { ttl: '1m' } });
    expect(app.get(RedisConnection).up).toBe(true);
    await app.close();
  });

  it('without Redis is looked at when Redis is there, and logs what is wrong', async () => {
    const user = ['--user', 'default', 'on', 'nopass', '~*', '&*', '+@all', '-zadd'];
    const late = await startRedis({ args: user });
    const { url } = late;
    await late.kill();
    const errors: unknown[] = [];
    const logged = new Promise<void>((resolve) => {
      jest.spyOn(Logger.prototype, 'error').mockImplementation((error: unknown) => {
        errors.push(error);
        resolve();
      });
    });
    const app = await boot({ redis: { url, bootTimeout: 0, commandTimeout: '500ms' }, lock: {} });
    await late.restart();
    await logged;
    expect(errors[0]).toMatchObject({ code: 'E_LOCK_SETUP' });
    expect(String(errors[0])).toMatch(/ZADD is refused/);
    await app.close();
    await late.stop();
  });

  it.each([
    [{ replicas: 0 }, /durability\.replicas: must be at least 1/],
    [{ replicas: 1.5 }, /durability\.replicas: must be a whole number/],
    [{}, /durability\.replicas/],
    [{ replicas: 1, timeout: 0 }, /durability\.timeout: must be at least 1 ms/],
    [{ replicas: 1, timeoutMs: 100 }, /durability\.timeoutMs: unknown option/],
  ])('refuses durability %j', async (durability, message) => {
    const lock = { durability } as unknown as NonNullable<DistributedModuleOptions['lock']>;
    await expect(boot({ redis: { url: server.url }, lock })).rejects.toMatchObject({
      code: 'E_OPTIONS_INVALID',
      message: expect.stringMatching(message),
    });
  });

  it('refuses durability for a store that is not the Redis of the application', async () => {
    const nothing = (): Promise<never> => Promise.reject(new Error('not asked'));
    const methods = ['acquire', 'renew', 'release', 'revoke', 'query', 'watch', 'unwatch'];
    const store = Object.fromEntries(methods.map((name) => [name, nothing]));
    const lock = { store: store as unknown as LockStore, durability: { replicas: 1 } };
    await expect(boot({ lock })).rejects.toMatchObject({
      code: 'E_OPTIONS_INVALID',
      message: expect.stringMatching(/lock\.durability: is for the locks in the Redis of/),
    });
  });

  it('gives durable locks when a replica is there', async () => {
    const replica = await startRedis({ args: ['--replicaof', `${server.host} ${server.port}`] });
    const { url } = server;
    while ((await admin.wait(1, 50)) < 1) await admin.set('probe', 1);
    const app = await boot({ redis: { url }, lock: { durability: { replicas: 1 } } });
    const onReplica = new Redis(replica.url);
    const lock = await app.get(LockService).acquire('k');
    expect(await onReplica.exists('distributed:lock:{k}')).toBe(1);
    await replica.stop();
    await expect(app.get(LockService).tryAcquire('other')).rejects.toMatchObject({
      code: 'E_LOCK_BACKEND',
      replicas: { confirmed: 0, required: 1 },
    });
    await lock.release();
    onReplica.disconnect();
    await app.close();
  });
});
