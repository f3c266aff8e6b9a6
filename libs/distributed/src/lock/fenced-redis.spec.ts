/** The fence in front of a Redis, on a server that knows nothing of the lock. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { GrantedLock } from '../../../../test/support/granted-lock.fixture.js';
import { LockNode } from '../../../../test/support/lock-node.fixture.js';
import { type RedisServer, startRedis } from '../../../../test/support/redis.fixture.js';
import { RedisConnection } from '../redis/index.js';
import { createFaultProxy, type FaultProxy } from '../testing/index.js';
import { fenceSlot } from './fence-slot.js';
import { fencedRedis, type RedisFence } from './fenced-redis.js';
import { MultiLock } from './multi-lock.js';

const T0 = 1_800_000_000_000_000;
const KEY = 'stock:{book}';
const INCREMENT = "return redis.call('INCRBY', KEYS[1], ARGV[1])";
const STALE = { code: 'E_LOCK_STALE', executed: 'no' };

let server: RedisServer;
let proxy: FaultProxy;
let redis: RedisConnection;
let judge: RedisConnection;

beforeAll(async () => {
  server = await startRedis();
  proxy = await createFaultProxy(server.url);
  redis = await RedisConnection.connect({ url: proxy.url(), offlineTimeout: '2s' });
  judge = await RedisConnection.connect({ url: server.url });
});

afterAll(async () => {
  await Promise.all([redis.close(), judge.close()]);
  await proxy.stop();
  await server.stop();
});

beforeEach(async () => {
  await judge.execute('flush', (client) => client.flushall());
});

const fence = (token = T0): RedisFence => fencedRedis(new GrantedLock('book', token));
const stored = (): Promise<string | null> => judge.execute('get', (client) => client.get(KEY));

it('wants to be told which of several keys guards the data', () => {
  const pair = new MultiLock([new GrantedLock('a', T0), new GrantedLock('b', T0)]);
  expect(() => fencedRedis(pair)).toThrow(expect.objectContaining({ code: 'E_LOCK_FENCE' }));
});

describe('a late holder', () => {
  it('mutation: with the guard at the write only, an update is lost', async () => {
    const [a, b] = [fence(T0), fence(T0 + 1)];
    const unguarded = async (): Promise<number> => Number(await stored());
    const [readByA, readByB] = [await unguarded(), await unguarded()];
    await a.set(redis, KEY, readByA + 1);
    await b.set(redis, KEY, readByB + 1);
    expect(await stored()).toBe('1'); // two acknowledged, one stored
  });

  it('reads, writes and runs nothing', async () => {
    const [a, b] = [fence(T0), fence(T0 + 1)];
    await a.set(redis, KEY, 0);
    expect(await b.get(redis, KEY)).toBe('0');
    await expect(a.get(redis, KEY)).rejects.toMatchObject({
      ...STALE,
      details: { fencingToken: T0, seen: T0 + 1 },
    });
    await expect(a.set(redis, KEY, 7)).rejects.toMatchObject(STALE);
    await expect(a.run(redis, [KEY], INCREMENT, [1])).rejects.toMatchObject(STALE);
    await expect(a.enter(redis, KEY)).rejects.toMatchObject(STALE);
    expect(await stored()).toBe('0');
  });

  it('is late as soon as the newer one has entered', async () => {
    await fence(T0 + 1).enter(redis, KEY);
    await expect(fence(T0).set(redis, KEY, 1)).rejects.toMatchObject(STALE);
  });

  it('of another lock is not meant', async () => {
    await fence(T0 + 1).enter(redis, KEY);
    await fencedRedis(new GrantedLock('other', T0)).set(redis, KEY, 1);
    expect(await stored()).toBe('1');
  });

  it('holders in any order, each reading first: every acknowledged update is stored', async () => {
    let acknowledged = 0;
    let refused = 0;
    const update = async (token: number): Promise<void> => {
      const holder = fence(token);
      try {
        const seen = Number(await holder.get(redis, KEY));
        await holder.set(redis, KEY, seen + 1);
        acknowledged++;
      } catch (error) {
        expect(error).toMatchObject(STALE);
        refused++;
      }
    };
    await Promise.all(Array.from({ length: 60 }, (_, n) => update(T0 + ((n * 37) % 60))));
    expect(Number(await stored())).toBe(acknowledged);
    expect(refused).toBeGreaterThan(0);
    await fence(T0 + 60).set(redis, KEY, 'last');
    expect(await stored()).toBe('last');
  });
});

describe('operations', () => {
  it('get, set with a time to live, and run see what they are given', async () => {
    const holder = fence();
    expect(await holder.get(redis, KEY)).toBeNull();
    await holder.set(redis, KEY, 'x', { ttl: '1m' });
    expect(await holder.get(redis, KEY)).toBe('x');
    expect(await judge.execute('pttl', (client) => client.pttl(KEY))).toBeGreaterThan(50_000);
    const keys = [KEY, 'sales:{book}'];
    expect(
      await holder.run(redis, keys, 'return {KEYS[2], ARGV[2], #KEYS, #ARGV, false}', ['a', 'b']),
    ).toEqual(['sales:{book}', 'b', 2, 2, null]);
    expect(await holder.run(redis, [KEY], 'local unused = 1')).toBeNull();
    expect(await holder.run(redis, [KEY], "return redis.status_reply('FINE')")).toBe('FINE');
  });

  it('take one command each', async () => {
    const holder = fence();
    await holder.get(redis, KEY);
    await judge.execute('reset', (client) => client.config('RESETSTAT'));
    await holder.get(redis, KEY);
    const stats = await judge.execute('info', (client) => client.info('commandstats'));
    expect(stats).toMatch(/cmdstat_evalsha:calls=1,/);
  });

  it('survive SCRIPT FLUSH', async () => {
    const holder = fence();
    await holder.set(redis, KEY, 1);
    await judge.execute('flush', (client) => client.script('FLUSH'));
    await holder.set(redis, KEY, 2);
    expect(await stored()).toBe('2');
  });

  it('pass errors of the commands on, and work again afterwards', async () => {
    const holder = fence();
    await holder.set(redis, KEY, 'text');
    await expect(holder.run(redis, [KEY], INCREMENT, [1])).rejects.toThrow(/not an integer/);
    await expect(holder.run(redis, [KEY], "error('mine')")).rejects.toThrow(/mine/);
    expect(await holder.get(redis, KEY)).toBe('text');
  });
});

describe('a command that is sent twice', () => {
  // Catches a guard that does not remember the reply of its last operation.
  it('happens once, and is answered as the first time', async () => {
    const holder = fence();
    await holder.run(redis, [KEY], INCREMENT, [1]);
    proxy.dropNextReply({ to: 'evalsha' });
    expect(await holder.run(redis, [KEY], INCREMENT, [1])).toBe(2);
    expect(proxy.droppedReplies).toBe(1);
    expect(await stored()).toBe('2');
  });

  // Catches the reply of an earlier operation that is taken for that of a repeated read.
  it('reads again when it is a read', async () => {
    const holder = fence();
    await holder.run(redis, [KEY], "return redis.call('SET', KEYS[1], 'new')");
    proxy.dropNextReply({ to: 'evalsha' });
    expect(await holder.get(redis, KEY)).toBe('new');
  });

  it('also when it failed half-way', async () => {
    const holder = fence();
    const half = `${INCREMENT.replace('return ', '')} error('half-way')`;
    await holder.run(redis, [KEY], half, [1]).catch(() => {});
    proxy.dropNextReply({ to: 'evalsha' });
    await expect(holder.run(redis, [KEY], half, [1])).rejects.toThrow(/half-way/);
    expect(await stored()).toBe('2');
  });

  // Catches operations of one holder that overtake each other: the repeated one would be refused.
  it('keeps its place among the operations of its holder, over all its fences', async () => {
    const lock = new GrantedLock('book', T0);
    const fences = [fencedRedis(lock), fencedRedis(lock)];
    await fences[0]!.run(redis, [KEY], INCREMENT, [0]);
    proxy.dropNextReply({ to: 'evalsha' });
    const replies = await Promise.all(
      Array.from({ length: 10 }, (_, n) => fences[n % 2]!.run(redis, [KEY], INCREMENT, [1])),
    );
    expect(replies).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(await stored()).toBe('10');
  });

  // Catches a guard that compares tokens only: the copy that was held up would undo the newer write.
  it('does not happen after a later operation of its holder', async () => {
    const holder = fence();
    await holder.set(redis, KEY, 'first');
    // The first command on its way to the server, as the network holds it up.
    const sent = await commandOf(() => holder.set(redis, KEY, 'second'));
    await holder.set(redis, KEY, 'third');
    const late = (await judge.execute('late', (client) => client.call('EVALSHA', ...sent))) as [
      number,
    ];
    expect(late[0]).toBe(0);
    expect(await stored()).toBe('third');
  });

  /** What `operation` sends. */
  async function commandOf(operation: () => Promise<void>): Promise<string[]> {
    const monitor = await (redis.client as import('ioredis').Redis).monitor();
    const seen = new Promise<string[]>((resolve) =>
      monitor.on('monitor', (_time: string, args: string[]) => {
        if (args[0]?.toLowerCase() === 'evalsha') resolve(args.slice(1));
      }),
    );
    await operation();
    const args = await seen;
    monitor.disconnect();
    return args;
  }
});

describe('the fence itself', () => {
  it('lives beside its keys, and is remembered from its last operation on', async () => {
    await fencedRedis(new GrantedLock('book', T0), { remember: '1h' }).enter(redis, KEY);
    const [name] = await judge.execute('keys', (client) => client.keys('*fence*'));
    expect(name).toBe(redis.keys.key('fence', 'book', 'book'));
    const ttl = await judge.execute('pttl', (client) => client.pttl(String(name)));
    expect(ttl).toBeGreaterThan(3_500_000);
    expect(ttl).toBeLessThanOrEqual(3_600_000);
  });

  it.each([
    [['a{x}b', '{x}'], 'x'],
    [['plain'], 'plain'],
    [['a{}b{x}'], undefined],
    [['a}b'], undefined],
    [['a{b'], undefined],
    [[''], undefined],
    [[], undefined],
    [['a', 'b'], undefined],
  ])('the slot of %j is %j', (keys, slot) => {
    if (slot === undefined)
      expect(() => fenceSlot(keys)).toThrow(expect.objectContaining({ code: 'E_LOCK_FENCE' }));
    else expect(fenceSlot(keys)).toBe(slot);
  });

  it('a lock without a token is refused', () => {
    expect(() => fence(0)).toThrow(expect.objectContaining({ code: 'E_LOCK_UNFENCED' }));
  });

  it('works with real locks of another server: who was paused for longer than its lease is late', async () => {
    const lockServer = await startRedis();
    const node = await LockNode.start(lockServer.url);
    const first = await node.locks.acquire('book');
    await node.locks.forceRelease('book');
    const second = await node.locks.acquire('book');
    await fencedRedis(second).set(redis, KEY, 'second');
    await expect(fencedRedis(first).set(redis, KEY, 'first')).rejects.toMatchObject(STALE);
    expect(await stored()).toBe('second');
    await second.release();
    await node.stop();
    await lockServer.stop();
  });
});
