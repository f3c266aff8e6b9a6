/** WAIT goes to the node that has the slot; on a Cluster of three masters, one of which has a replica. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import {
  type RedisClusterServers,
  type RedisServer,
  startRedis,
  startRedisCluster,
} from '../../../../test/support/redis.fixture.js';
import { RedisConnection } from './redis.connection.js';
import type { ReplicatedScripts } from './redis-replicated.js';
import { composeScript } from './redis-script.js';

const set = composeScript({
  name: 'set',
  source: "return redis.call('SET', KEYS[1], ARGV[1]).ok",
  keys: 1,
  parse: String,
});
const KEYS = Array.from({ length: 60 }, (_, index) => `{${index}}:k`);
const within = { deadlineMs: 3_000 };

describe('ReplicatedScripts on a Cluster', () => {
  let cluster: RedisClusterServers;
  let replica: RedisServer;
  let judges: Redis[];
  let connection: RedisConnection;
  let scripts: ReplicatedScripts;

  beforeAll(async () => {
    cluster = await startRedisCluster();
    judges = cluster.nodes.map((node) => new Redis(node));
    replica = await startRedis({
      args: ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000'],
    });
    await follow(replica, judges[0] as Redis, cluster.nodes[0] as { host: string; port: number });
    connection = await RedisConnection.connect({ cluster: cluster.nodes });
    scripts = await connection.replicated({ replicas: 1, timeoutMs: 50 });
  });
  afterAll(async () => {
    for (const judge of judges) judge.disconnect();
    await connection.close();
    await Promise.all([cluster.stop(), replica.stop()]);
  });

  it('say what the replicas of that node confirm, all keys at once', async () => {
    const call = (key: string) => scripts.eval(set, { keys: [key], args: ['1'] }, within);
    const replies = await Promise.all(KEYS.map(call));
    const [onFirst, elsewhere] = [new Set<number>(), new Set<number>()];
    for (const [index, { value, replicas }] of replies.entries()) {
      expect(value).toBe('OK');
      const slot = await (judges[0] as Redis).cluster('KEYSLOT', KEYS[index] as string);
      (slot < 5_462 ? onFirst : elsewhere).add(replicas);
    }
    expect([...onFirst]).toEqual([1]);
    expect([...elsewhere]).toEqual([0]);
  });

  it('follow a slot that has moved', async () => {
    const key = KEYS[0] as string;
    const slot = await (judges[0] as Redis).cluster('KEYSLOT', key);
    const ids = await Promise.all(judges.map((judge) => judge.call('CLUSTER', 'MYID')));
    const from = Math.floor((slot * 3) / 16_384);
    const to = (from + 1) % 3;
    await (judges[from] as Redis).del(key);
    for (const judge of judges) {
      await judge.call('CLUSTER', 'SETSLOT', slot, 'NODE', String(ids[to])).catch(() => {});
    }
    const moved = await scripts.eval(set, { keys: [key], args: ['2'] }, within);
    expect(moved).toEqual({ value: 'OK', replicas: to === 0 ? 1 : 0 });
    expect(await (judges[to] as Redis).get(key)).toBe('2');
  });
});

/** A node more, that copies `master`. */
async function follow(
  server: RedisServer,
  master: Redis,
  address: { host: string; port: number },
): Promise<void> {
  const redis = new Redis(server.url);
  const id = String(await master.call('CLUSTER', 'MYID'));
  await redis.call('CLUSTER', 'MEET', address.host, address.port);
  while (!String(await redis.call('CLUSTER', 'NODES')).includes(id)) await delay(20);
  while (
    await redis.call('CLUSTER', 'REPLICATE', id).then(
      () => false,
      () => true,
    )
  )
    await delay(20);
  while (!/master_link_status:up/.test(await redis.info('replication'))) await delay(20);
  redis.disconnect();
}
