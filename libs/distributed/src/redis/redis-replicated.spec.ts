/** Scripts that wait for replicas, against a master and a replica of it. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { RedisPair } from '../../../../test/support/redis-pair.fixture.js';
import { RedisConnection } from './redis.connection.js';
import type { ReplicatedScripts } from './redis-replicated.js';
import { composeScript } from './redis-script.js';

const increment = composeScript({
  name: 'increment',
  source: "return redis.call('INCRBY', KEYS[1], ARGV[1])",
  keys: 1,
  parse: Number,
});

const by = (amount: number) => ({ keys: ['{k}:counter'], args: [amount] });
const within = { deadlineMs: 1_000 };

describe('ReplicatedScripts', () => {
  let pair: RedisPair;
  let connection: RedisConnection;
  let scripts: ReplicatedScripts;

  beforeAll(async () => {
    pair = await RedisPair.start();
    connection = await RedisConnection.connect({
      url: pair.master.url,
      heartbeatInterval: '50ms',
      heartbeatTimeout: '150ms',
      offlineTimeout: '1s',
    });
    // Longer than a busy machine needs.
    scripts = await connection.replicated({ replicas: 1, timeoutMs: 800 });
  });

  beforeEach(async () => {
    await pair.onMaster.flushall();
  });

  afterAll(async () => {
    await connection.close();
    await pair[Symbol.asyncDispose]();
  });

  it('say how many replicas have what was written', async () => {
    expect(await scripts.eval(increment, by(2), within)).toEqual({ value: 2, replicas: 1 });
    expect(await pair.onReplica.get('{k}:counter')).toBe('2');
  });

  it('are counted too when the server did not know the script (mutation: EVAL without WAIT)', async () => {
    await pair.onMaster.call('SCRIPT', 'FLUSH');
    expect(await scripts.eval(increment, by(1), within)).toEqual({ value: 1, replicas: 1 });
  });

  it('say so when no replica answers in time, and keep their connection (mutation: a PING behind WAIT is a dead server)', async () => {
    await scripts.eval(increment, by(1), within);
    const connected = await pair.onMaster.info('stats');
    await pair.replica.freeze();
    try {
      const reply = await scripts.eval(increment, by(1), within);
      expect(reply).toEqual({ value: 2, replicas: 0 });
    } finally {
      await pair.replica.thaw();
    }
    expect(received(await pair.onMaster.info('stats'))).toBe(received(connected));
    await pair.join();
  });

  it('that come while WAIT blocks share the next one (mutation: a WAIT for each)', async () => {
    await scripts.eval(increment, by(1), within);
    const before = await pair.calls('wait');
    await pair.replica.freeze();
    try {
      const first = scripts.eval(increment, by(1), within);
      await untilValue('2');
      const others = Array.from({ length: 20 }, () => scripts.eval(increment, by(1), within));
      const replies = await Promise.all([first, ...others]);
      expect(replies.every(({ replicas }) => replicas === 0)).toBe(true);
    } finally {
      await pair.replica.thaw();
    }
    expect((await pair.calls('wait')) - before).toBe(2);
    await pair.join();
  });

  it('of one turn go out together, each with its own outcome', async () => {
    await pair.onMaster.set('{k}:text', 'no number');
    const before = await pair.calls('wait');
    const [good, bad] = await Promise.allSettled([
      scripts.eval(increment, by(1), within),
      scripts.eval(increment, { keys: ['{k}:text'], args: [1] }, within),
    ]);
    expect(good).toMatchObject({ status: 'fulfilled', value: { value: 1, replicas: 1 } });
    expect(bad).toMatchObject({ status: 'rejected' });
    expect(String((bad as PromiseRejectedResult).reason)).toMatch(/not an integer/);
    expect((await pair.calls('wait')) - before).toBe(1);
  });

  it('keep other calls free: WAIT blocks a connection of its own', async () => {
    await pair.replica.freeze();
    try {
      const blocked = scripts.eval(increment, by(1), within);
      await untilValue('1');
      const order: string[] = [];
      const ping = connection.execute('ping', (client) => client.ping());
      await Promise.all([
        ping.then(() => order.push('ping')),
        blocked.then(() => order.push('wait')),
      ]);
      expect(order).toEqual(['ping', 'wait']);
    } finally {
      await pair.replica.thaw();
    }
    await pair.join();
  });

  it('settle by their own deadline when the server stops in the middle of WAIT', async () => {
    const startedAt = performance.now();
    await pair.replica.freeze();
    const blocked = scripts.eval(increment, by(1), { deadlineMs: 400 });
    const queued = untilValue('1').then(async () => {
      const call = scripts.eval(increment, by(1), { deadlineMs: 400 });
      await pair.master.freeze();
      return await call;
    });
    const results = await Promise.allSettled([blocked, queued]);
    await Promise.all([pair.master.thaw(), pair.replica.thaw()]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect((results[0] as PromiseRejectedResult).reason).toMatchObject({ executed: 'unknown' });
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    await pair.join();
    expect((await scripts.eval(increment, by(1), { deadlineMs: 5_000 })).replicas).toBe(1);
  });

  it('end with the connection: nothing stays open', async () => {
    const own = await RedisConnection.connect({ url: pair.master.url });
    const before = (await clients(pair)).length;
    await own.replicated({ replicas: 1, timeoutMs: 100 });
    expect(await clients(pair)).toHaveLength(before + 1);
    await own.close();
    expect((await clients(pair)).length).toBe(before - 1);
  });

  it('work over a client of the application, which stays open', async () => {
    const own = await RedisConnection.connect({ client: pair.onMaster });
    const more = await own.replicated({ replicas: 1, timeoutMs: 300 });
    expect(await more.eval(increment, by(5), within)).toEqual({ value: 5, replicas: 1 });
    await own.close();
    expect(await pair.onMaster.get('{k}:counter')).toBe('5');
  });

  const untilValue = async (value: string): Promise<void> => {
    while ((await pair.onMaster.get('{k}:counter')) !== value) await new Promise(setImmediate);
  };
});

const received = (stats: string): string =>
  /total_connections_received:(\d+)/.exec(stats)?.[1] ?? '';

async function clients(pair: RedisPair): Promise<string[]> {
  const list = String(await pair.onMaster.call('CLIENT', 'LIST', 'TYPE', 'NORMAL'));
  return list.trim().split('\n');
}
