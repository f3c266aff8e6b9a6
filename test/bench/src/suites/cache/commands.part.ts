/** What each operation costs Redis, and whether a fill tells anybody. */
import { Redis } from 'ioredis';
import type { Figures } from '../../harness/figures.js';
import { monitored } from '../../harness/monitored.js';
import { rounded } from '../../harness/statistics.js';
import type { Part } from '../../suite.js';
import { NAMES } from './contenders/index.js';
import { type CacheWorker, TTL_MS, withWorkers } from './workers.js';

const COUNT = 200;
const PREFIX = 'command-';

/** Under MONITOR; heartbeats and PING, which keep connections alive, are left out. */
export const commands: Part = {
  name: 'commands',
  run: ({ redis: { url } }) =>
    withWorkers(NAMES, 2, { url, levels: 'both', ttlMs: TTL_MS }, async (workers) => {
      const figures: Record<string, Figures> = {};
      for (const [name, pair] of workers) figures[name] = await figuresOf(url, pair);
      return figures;
    }),
};

async function figuresOf(url: string, pair: readonly CacheWorker[]): Promise<Figures> {
  const [a, b] = pair as [CacheWorker, CacheWorker];
  const each = (worker: CacheWorker, prefix: string): Promise<unknown> =>
    worker.ask({ kind: 'each', prefix, count: COUNT });
  await each(a, 'warm-up-');
  await each(b, 'warm-up-');
  const perOperation = async (work: () => Promise<unknown>): Promise<number> =>
    rounded((await monitored(url, work)).filter(isWork).length / COUNT);
  let fillMessages = 0;
  const miss = await perOperation(async () => {
    fillMessages = await messagesDuring(url, () => each(a, PREFIX));
  });
  const l2Hit = await perOperation(() => each(b, PREFIX));
  const l1Hit = await monitored(url, () => each(b, PREFIX));
  const forget = await perOperation(() => a.ask({ kind: 'forget', prefix: PREFIX, count: COUNT }));
  return {
    l1Hit: { redisCommands: l1Hit.filter(isWork).length },
    commands: { miss, l2Hit, delete: forget },
    fillMessages,
  };
}

/** PUBLISH of a heartbeat of ours starts so. */
const HEARTBEAT = String.raw`[\"H\"`;

function isWork([command = '', , text = '']: readonly string[]): boolean {
  return (
    !/^(ping|subscribe|psubscribe|punsubscribe|info|client)$/i.test(command) &&
    !text.startsWith(HEARTBEAT)
  );
}

/** Messages on any channel that name a key of ours. */
async function messagesDuring(url: string, work: () => Promise<unknown>): Promise<number> {
  const subscriber = new Redis(url);
  let messages = 0;
  subscriber.on('pmessageBuffer', (_pattern: Buffer, _channel: Buffer, text: Buffer) => {
    if (text.includes(PREFIX)) messages++;
  });
  await subscriber.psubscribe('*');
  await work();
  // Replies and messages share the connection: what was published before has arrived.
  await subscriber.punsubscribe('*');
  subscriber.disconnect();
  return messages;
}
