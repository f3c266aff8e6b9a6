/** What is found at boot, on real servers with real rights. */
import { readFile } from 'node:fs/promises';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
  jest,
} from '@jest/globals';
import { Logger } from '@nestjs/common';
import { type RedisServer, startRedis } from '../../../../test/support/redis.fixture.js';
import { RedisConnection, type RedisOptions } from '../redis/index.js';
import { checkScript, RedisLockCheck } from './redis-lock-check.js';
import { lockScripts } from './redis-lock-commands.js';
import { RedisLockStore } from './redis-lock.store.js';

const EVICTING = (
  'allkeys-lru allkeys-lfu allkeys-random ' +
  'volatile-lru volatile-lfu volatile-random volatile-ttl'
).split(' ');
const COMMANDS = (
  'eval evalsha publish subscribe set get del time exists pexpire pexpireat pttl ' +
  'zadd zrem zrange zcard zscore zremrangebyscore hset hget hdel hexists'
).split(' ');

describe('the check of the Redis of the locks', () => {
  let server: RedisServer;
  let admin: RedisConnection;
  const open: RedisConnection[] = [];
  const logged = { warn: [] as string[], debug: [] as string[] };

  const connect = async (options: Partial<RedisOptions> = {}): Promise<RedisConnection> => {
    const redis = await RedisConnection.connect({ url: server.url, ...options } as RedisOptions);
    open.push(redis);
    return redis;
  };
  const check = (redis: RedisConnection, replicas = 0): Promise<void> =>
    new RedisLockCheck(redis, redis.keys.channel('lock', 'process:'), replicas).run();
  const asAdmin = (...command: [string, ...string[]]): Promise<unknown> =>
    admin.execute('admin', (client) => client.call(...command));
  /** A connection of a user who may do what is left of everything. */
  const connectAs = async (...rules: string[]): Promise<RedisConnection> => {
    await asAdmin('ACL', 'SETUSER', 'app', 'reset', 'on', '>secret', ...rules);
    const url = server.url.replace('redis://', 'redis://app:secret@');
    return await connect({ url, commandTimeout: '500ms' });
  };

  beforeAll(async () => {
    server = await startRedis();
    admin = await RedisConnection.connect({ url: server.url });
  });
  beforeEach(() => {
    logged.warn = [];
    logged.debug = [];
    for (const level of ['warn', 'debug'] as const)
      jest.spyOn(Logger.prototype, level).mockImplementation((text) => {
        logged[level].push(String(text));
      });
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await Promise.all(open.splice(0).map((redis) => redis.close()));
    await asAdmin('CONFIG', 'SET', 'maxmemory', '0', 'maxmemory-policy', 'noeviction');
    await asAdmin('FLUSHALL');
  });
  afterAll(async () => {
    await admin.close();
    await server.stop();
  });

  it('finds nothing wrong with a server as it comes, and leaves nothing there', async () => {
    await check(await connect());
    expect(logged).toEqual({ warn: [], debug: [] });
    expect(await asAdmin('KEYS', '*')).toEqual([]);
  });

  it('tries every command that the scripts use', () => {
    const commandsOf = (source: string): string[] =>
      [...source.matchAll(/(?:redis\.call|try)\('([A-Z]+)'/g)].map(([, name]) => String(name));
    const tried = new Set(commandsOf(checkScript.source));
    const used = Object.values(lockScripts).flatMap(({ source }) => commandsOf(source));
    expect([...new Set(used)].filter((name) => !tried.has(name))).toEqual([]);
  });

  describe('memory policy (C23)', () => {
    const set = (maxmemory: string, policy: string) =>
      asAdmin('CONFIG', 'SET', 'maxmemory', maxmemory, 'maxmemory-policy', policy);

    it.each(EVICTING)('%s is a warning with the reason and the fix', async (policy) => {
      await set('100mb', policy);
      await check(await connect());
      expect(logged.warn).toEqual([expect.stringMatching(`'${policy}'.*'noeviction'`)]);
    });

    it.each([
      ['100mb', 'noeviction'],
      ['0', 'allkeys-lru'],
    ])('maxmemory %s with %s is none', async (maxmemory, policy) => {
      await set(maxmemory, policy);
      await check(await connect());
      expect(logged.warn).toEqual([]);
    });
  });

  describe('rights', () => {
    it.each(COMMANDS)('without %s the boot fails, and says how to grant it', async (command) => {
      const redis = await connectAs('+@all', '~*', '&*', `-${command}`);
      await expect(check(redis)).rejects.toMatchObject({
        code: 'E_LOCK_SETUP',
        message: expect.stringMatching(
          new RegExp(`${command.toUpperCase()} is refused; .* ACL SETUSER app \\+${command}\\.$`),
        ),
      });
    });

    it.each([
      ['keys', ['~other:*', '&*'], /on the keys distributed:lock:\* and .* ~distributed:lock:\* ~/],
      ['semaphores', ['~distributed:lock:*', '&*'], /~distributed:semaphore:\*/],
      ['channels', ['~*', '&other:*'], /on the channels .* &distributed:lock:process:\*\.$/],
    ])('without its %s too', async (_, rules, message) => {
      const redis = await connectAs('+@all', ...rules);
      await expect(check(redis)).rejects.toMatchObject({ message: expect.stringMatching(message) });
    });

    it('the fixes it prints are enough: for the check, and for locks', async () => {
      let granted: string[] = ['-@all', '+info', '+ping'];
      const fixes: string[] = [];
      for (let round = 0; round < 5; round++) {
        const redis = await connectAs(...granted);
        const failure = await check(redis, 1).then(
          () => undefined,
          (error: Error) => error.message,
        );
        if (failure === undefined) break;
        const rules = /ACL SETUSER app (.*)\.$/.exec(failure)?.[1] ?? '';
        fixes.push(rules);
        granted = [...granted, ...rules.split(' ')];
      }
      expect(fixes.length).toBeGreaterThan(0);
      const redis = await connectAs(...granted);
      await check(redis, 1);
      await useEverything(new RedisLockStore(redis));
    });

    it('those of the guide are enough too', async () => {
      const guide = await readFile(
        new URL('../../../../docs/guide/lock.md', import.meta.url),
        'utf8',
      );
      const rules = /^ACL SETUSER app ([^`]*)/m.exec(guide)?.[1]?.trim().split(/\s+/) ?? [];
      const redis = await connectAs('-@all', ...rules);
      await check(redis);
      await useEverything(new RedisLockStore(redis));
      expect(logged.debug).toEqual([]);
    });

    it('WAIT is needed for durability only', async () => {
      const redis = await connectAs('+@all', '~*', '&*', '-wait');
      await check(redis);
      await expect(check(redis, 1)).rejects.toMatchObject({
        message: expect.stringMatching(/WAIT is refused/),
      });
    });

    it('INFO is not: what cannot be looked at is told at debug level', async () => {
      const redis = await connectAs('+@all', '~*', '&*', '-info');
      await check(redis);
      expect(logged.debug).toEqual([expect.stringMatching(/^Could not check its version/)]);
    });
  });

  it('warns of replicas that durability needs and nobody is', async () => {
    await check(await connect(), 2);
    expect(logged.warn).toEqual([
      expect.stringMatching(/asks for 2 replicas, and 0 are connected/),
    ]);
  });

  it('refuses a node of a Cluster that is taken for a server of its own', async () => {
    const node = await startRedis({ args: ['--cluster-enabled', 'yes'] });
    try {
      const redis = await connect({ url: node.url, commandTimeout: '300ms' });
      await expect(check(redis)).rejects.toMatchObject({
        code: 'E_LOCK_SETUP',
        message: expect.stringMatching(/part of a Redis Cluster; connect with redis: { cluster:/),
      });
    } finally {
      await node.stop();
    }
  });

  it('refuses no server because it does not answer', async () => {
    const redis = await connect({ commandTimeout: '200ms' });
    await server.freeze();
    try {
      await check(redis);
    } finally {
      await server.thaw();
    }
    expect(logged.debug.length).toBeGreaterThan(0);
  });
});

/** Every script, and the messages. */
async function useEverything(store: RedisLockStore): Promise<void> {
  const within = { deadlineMs: 500 };
  await store.watch('p', { turn: () => {}, revoked: () => {}, resync: () => {} });
  const claim = (owner: string, more = {}) => ({ key: 'k', owner: `p:${owner}`, ...more });
  const lease = { leaseMs: 5_000, fences: 1, queue: true };
  for (const target of [{}, { mode: 'shared' as const }, { limit: 1 }]) {
    const [first, second] = [claim('1', target), claim('2', target)];
    await store.acquire({ ...first, ...lease }, within);
    await store.acquire({ ...second, ...lease }, within);
    await store.acquire({ ...claim('3'), ...lease }, within);
    await store.renew([{ ...first, leaseMs: 5_000 }], within);
    await store.query('k', within);
    for (const one of [first, second, claim('3')]) await store.release(one, within);
  }
  await store.acquire({ ...claim('4'), ...lease }, within);
  await store.acquire({ ...claim('5'), ...lease }, within);
  expect(await store.revoke(claim('4'), within)).toBe('deleted');
  await store.unwatch();
}
