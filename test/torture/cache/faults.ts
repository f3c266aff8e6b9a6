/** What is done to the cache's Redis, to the connections for messages and to processes. */
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { RedisServer } from '#servers';
import type { FaultProxy } from 'nestjs-distributed/testing';
import type { SeededRandom } from '../seeded-random.js';
import type { CacheProcess } from './arena.js';

/** Who can be hurt. */
export interface Victims {
  readonly redis: RedisServer;
  readonly processes: readonly CacheProcess[];
  /** Each process's way for messages. */
  readonly messages: readonly FaultProxy[];
  readonly random: SeededRandom;
}

/** One fault, from its beginning to its end. */
export type Fault = (victims: Victims) => Promise<unknown>;

/** By name, so that a run can tell how often each came. */
export const FAULTS: Readonly<Record<string, Fault>> = {
  'data connections killed': ({ redis }) =>
    told(redis, (client) => client.client('KILL', 'TYPE', 'normal', 'SKIPME', 'yes')),
  'message connections killed': ({ redis }) =>
    told(redis, (client) => client.client('KILL', 'TYPE', 'pubsub')),
  'CLIENT PAUSE': ({ redis, random }) =>
    told(redis, (client) => client.client('PAUSE', Math.round(random.between(50, 400)), 'ALL')),
  'SIGSTOP of Redis': async ({ redis, random }) => {
    await redis.freeze();
    await delay(random.between(50, 900));
    await redis.thaw();
  },
  'SIGSTOP of a process': async ({ processes, random }) => {
    const one = random.pick(processes);
    one.freeze();
    await delay(random.between(50, 1_500));
    one.thaw();
  },
  FLUSHALL: ({ redis }) => told(redis, (client) => client.flushall()),
  'SCRIPT FLUSH': ({ redis }) => told(redis, (client) => client.script('FLUSH')),
  eviction: ({ redis, random }) =>
    told(redis, async (client) => {
      await client.config('SET', 'maxmemory-policy', 'allkeys-random');
      await client.config('SET', 'maxmemory', '1mb');
      await delay(random.between(50, 300));
      await client.config('SET', 'maxmemory', '0');
    }),
  'late messages': async ({ messages, random }) => {
    const one = random.pick(messages);
    one.blackhole('down');
    await delay(random.between(50, 1_500));
    await one.heal();
  },
  'message connection reset': async ({ messages, random }) => random.pick(messages).resetAll(),
};

/** Does something through a connection of its own, which may be cut while it does. */
async function told(redis: RedisServer, work: (client: Redis) => Promise<unknown>): Promise<void> {
  const client = new Redis(redis.url);
  client.on('error', () => undefined);
  try {
    await work(client);
  } finally {
    client.disconnect();
  }
}
