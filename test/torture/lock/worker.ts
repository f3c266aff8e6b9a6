/** One process under torture: an application of the library, driven by its parent. */
import 'reflect-metadata';
import { type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Lock, LockModuleOptions, LockService, RedisOptions } from 'nestjs-distributed';
import { serveParent } from '../child-server.js';
import { LagMeter } from '../lag-meter.js';
import { monotonicMs } from '../monotonic.js';
import { SeededRandom } from '../seeded-random.js';
import { twoWayClient } from '../two-way-client.js';
import { jumpWallClock } from './clock-jumps.js';
import { LeaderLoad } from './leader-load.js';
import { deadlineOf, HistoryRecorder, tell } from './history-recorder.js';
import { LossWatch } from './loss-watch.js';
import { ProtectedResources } from './protected-resources.js';
import type { Reading, Visit } from './resource.js';
import { runTicks } from './tick-load.js';
import { SectionLoad } from './section-load.js';
import type { Held, LockRedis, LockWorker, WorkerSettings } from './worker-contract.js';

@Module({})
class Root {}

/** Without the masters of a Redlock, which only its store knows. */
type OneRedis = Exclude<LockRedis, { masters: readonly string[] }>;

/** What `boot` makes. */
interface Running {
  readonly settings: WorkerSettings;
  readonly app: INestApplicationContext;
  readonly locks: LockService;
  readonly resources: ProtectedResources;
  readonly random: SeededRandom;
}

interface HeldByHand {
  readonly lock: Lock;
  readonly id: string;
  readonly key: string;
}

interface Section {
  readonly visit: Visit;
  readonly reading: Reading;
}

const lag = new LagMeter();
const held = new Map<number, HeldByHand>();
const sections = new Map<number, Section>();
const watches: LossWatch[] = [];
let running: Running | undefined;
let load: SectionLoad | HistoryRecorder | LeaderLoad | undefined;
let handles = 0;

const worker: LockWorker = {
  async boot(settings) {
    const random = new SeededRandom(`${settings.seed} ${settings.name}`);
    if (settings.clockJumpsMs) jumpWallClock(settings.clockJumpsMs, random);
    const library = (await import(settings.library)) as typeof import('nestjs-distributed');
    const module = library.DistributedModule.forRoot({
      ...('masters' in settings.redis ? {} : { redis: redisOptions(settings.redis) }),
      lock: await lockOptions(settings),
    });
    const root = { module: Root, imports: [module] };
    const app = await NestFactory.createApplicationContext(root, {
      logger: false,
      abortOnError: false,
    });
    const locks = app.get(library.LockService);
    const resources = new ProtectedResources(settings.resources, settings.guard);
    running = { settings, app, locks, resources, random };
  },

  startLoad(tasks) {
    const { locks, resources, random, settings } = here();
    load = new SectionLoad(locks, resources, random, settings.name, tasks);
  },

  startHistory(tasks) {
    const { locks, random, settings } = here();
    load = new HistoryRecorder(locks, random, settings.name, tasks);
  },

  startLeading(settings) {
    const { locks, resources, settings: own } = here();
    load = new LeaderLoad(locks, resources, own.name, settings);
  },

  leads: () => load instanceof LeaderLoad && load.leads,

  claimsAfter: (ms) => load instanceof LeaderLoad && load.claimsAfter(ms),

  async runTicks(ticks) {
    const { locks, resources, random, settings } = here();
    return await runTicks({ locks, resources, random, processName: settings.name }, ticks);
  },

  async stopLoad() {
    if (!load) throw new Error('no load was started');
    return await load.stop();
  },

  async acquire(key, options) {
    return await take(key, options);
  },

  async release(handle) {
    const { lock, id, key } = lockOf(handle);
    tell({ type: 'release', id, key, at: monotonicMs() });
    const outcome = await lock.release();
    tell({ type: 'released', id, key, at: monotonicMs(), outcome });
    held.delete(handle);
    return outcome;
  },

  queue(key, count, options) {
    for (let n = 0; n < count; n++) take(key, options).catch(() => {});
  },

  async enter(key, options) {
    const lock = await take(key, options);
    if (!lock) throw new Error(`'${key}' was not free`);
    const { settings, resources } = here();
    const { handle, fence, invokedAt, grantedAt } = lock;
    const who = { process: settings.name, operation: -1 - handle };
    const visit = { key, fence, invokedAt, grantedAt, ...who };
    const reading = await resources.enter(visit);
    sections.set(handle, { visit, reading });
    return { ...lock, reading };
  },

  async leave(handle) {
    const section = sections.get(handle);
    if (!section) throw new Error('this section was not entered');
    const writing = await here().resources.leave(section.visit, section.reading);
    return { ...writing, outcome: await worker.release(handle) };
  },

  async holdAll(keys, options) {
    const locks = await Promise.all(keys.map((key) => here().locks.acquire(key, options)));
    watches.push(...locks.map((lock) => new LossWatch(lock)));
    return watches.length;
  },

  async losses(waitMs) {
    const until = performance.now() + waitMs;
    while (performance.now() < until && !watches.every(({ settled }) => settled)) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return watches.splice(0).map((watch) => watch.finish());
  },

  async close() {
    const { app, resources } = here();
    await app.close();
    await resources.close();
    lag.stop();
  },
};

serveParent({ ...worker });

async function take(key: string, options: Readonly<Record<string, unknown>>): Promise<Held | null> {
  const started = performance.now();
  const invokedAt = monotonicMs();
  const handle = handles++;
  const id = `${here().settings.name}-by-hand-${handle}`;
  tell({ type: 'acquire', id, key, at: invokedAt });
  try {
    const lock = await here().locks.acquire(key, options);
    held.set(handle, { lock, id, key });
    const deadline = deadlineOf(lock);
    const grantedAt = monotonicMs();
    tell({ type: 'acquired', id, key, at: grantedAt, fence: lock.fencingToken, deadline });
    const lagMs = lag.worstSince(started);
    return { handle, fence: lock.fencingToken, invokedAt, grantedAt, lagMs };
  } catch (error) {
    tell({ type: 'refused', id, key, at: monotonicMs() });
    if ((error as { code?: unknown }).code === 'E_LOCK_WAIT_TIMEOUT') return null;
    throw error;
  }
}

function here(): Running {
  if (!running) throw new Error('boot first');
  return running;
}

function lockOf(handle: number): HeldByHand {
  const lock = held.get(handle);
  if (!lock) throw new Error('no such lock');
  return lock;
}

async function lockOptions({
  lock = {},
  redis,
  library,
}: WorkerSettings): Promise<LockModuleOptions> {
  if (!('masters' in redis)) return lock;
  // Beside the module under test, which may be a mutant.
  const room = library.includes('/') ? new URL('lock/index.js', library).href : `${library}/lock`;
  const { RedlockStore } = (await import(room)) as typeof import('nestjs-distributed/lock');
  return { ...lock, store: new RedlockStore({ nodes: redis.masters.map((url) => ({ url })) }) };
}

/** A client of our own making when messages take another way: the library duplicates it for them. */
function redisOptions(redis: OneRedis): RedisOptions {
  if (!('url' in redis) || redis.subscriberPort === undefined) {
    return 'url' in redis
      ? { url: redis.url }
      : 'sentinels' in redis
        ? { sentinels: redis.sentinels, name: redis.name }
        : { cluster: redis.cluster };
  }
  const { url, subscriberPort } = redis;
  return () => twoWayClient(url, subscriberPort);
}
