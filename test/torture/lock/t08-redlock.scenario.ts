/** T8: five masters that keep nothing on disk: they die, come back empty, stand still; one is far away. */
import { setTimeout as delay } from 'node:timers/promises';
import { RedisServer } from '#servers';
import { createFaultProxy, type FaultProxy } from 'nestjs-distributed/testing';
import type { SeededRandom } from '../seeded-random.js';
import type { Torture } from '../torture.js';
import { Arena, broken } from './arena.js';
import type { LockGround } from './lock-ground.js';
import { ProtectedResources } from './protected-resources.js';

/** Near ones, all of which suffer; the far one makes five. */
const NEAR = 4;
const LEASE_MS = 1_000;
/** Long enough that masters forget a lock while somebody works under it, and shorter than its lease. */
const SECTION_MS = 500;
/** Longer than masters that came back empty stay out: between two faults there must be a majority. */
const CALM_MS = 1.3 * LEASE_MS;
const FAR_MS = 150;
/** Servers tell their age in whole seconds. */
const UPTIME_ERROR_MS = 1_000;

/** Redlock promises no token, so nobody helps at the resource: there must be no overlap at all. */
export const redlock: Torture<LockGround> = {
  id: 'T8',
  fault: 'Redlock, masters wiped, killed, frozen, far',
  mutations: [
    {
      name: 'a restarted master votes at once',
      edits: [{ where: 'lock', find: /return leftMs > 0\s/, replace: 'return leftMs > Infinity ' }],
      caughtBy: /overlap/,
    },
    {
      name: 'two of five are enough',
      edits: [
        {
          where: 'lock',
          find: /Math\.floor\(nodes\.length \/ 2\) \+ 1/,
          replace: 'Math.floor(nodes.length / 2)',
        },
      ],
      caughtBy: /overlap/,
      slow: true,
    },
  ],
  async run(ground, settings) {
    await using masters = await Masters.start();
    await using arena = await Arena.open(ground, settings, {
      workers: 4,
      redis: () => ({ masters: masters.urls }),
    });
    const keys = ProtectedResources.keys(4);
    const load = { tasks: 3, keys, leaseMs: LEASE_MS, waitMs: 10_000, sleepMs: SECTION_MS };
    await masters.ready();
    await arena.startLoad(load);
    const { random } = arena;
    const faults = [wipeOneByOne, killTwo, wipeOneByOne, freezeTwo];
    let count = 0;
    await arena.during(async () => {
      masters.far.latency(random.between(0, FAR_MS));
      // Sections must be under way.
      await delay(random.between(0, SECTION_MS));
      await faults[count++ % faults.length]?.(masters.near, random);
      await delay(CALM_MS);
    });
    const tally = await arena.stopLoad();
    const judgement = await arena.judge();
    const { overlaps, lostUnfenced } = judgement;
    const { losses, waitTimeouts, backendErrors } = tally;
    return arena.outcome(
      judgement,
      tally,
      { faults: count, overlaps, losses, 'backend errors': backendErrors, waitTimeouts },
      broken(
        [overlaps === 0, `${overlaps} overlapping sections`],
        [lostUnfenced === 0, `${lostUnfenced} updates lost`],
      ),
    );
  },
};

/** Three of five forget everything while the sections of one moment are under way: a majority. */
async function wipeOneByOne(near: readonly RedisServer[]): Promise<void> {
  for (const server of near.slice(0, 3)) {
    await server.kill();
    await server.restart();
  }
}

async function killTwo(near: readonly RedisServer[], random: SeededRandom): Promise<void> {
  const pair = pairOf(near, random);
  await Promise.all(pair.map((server) => server.kill()));
  await delay(random.between(100, 600));
  await Promise.all(pair.map((server) => server.restart()));
}

async function freezeTwo(near: readonly RedisServer[], random: SeededRandom): Promise<void> {
  const pair = pairOf(near, random);
  await Promise.all(pair.map((server) => server.freeze()));
  await delay(random.between(0.2, 2) * LEASE_MS);
  await Promise.all(pair.map((server) => server.thaw()));
}

function pairOf(near: readonly RedisServer[], random: SeededRandom): RedisServer[] {
  const first = random.pick(near);
  return [first, random.pick(near.filter((server) => server !== first))];
}

/** Servers that forget everything when they restart. */
class Masters implements AsyncDisposable {
  readonly #startedAt = performance.now();

  private constructor(
    readonly near: readonly RedisServer[],
    private readonly fifth: RedisServer,
    /** The way to the fifth. */
    readonly far: FaultProxy,
  ) {}

  static async start(): Promise<Masters> {
    const near = await Promise.all(Array.from({ length: NEAR }, () => RedisServer.start()));
    const fifth = await RedisServer.start();
    return new Masters(near, fifth, await createFaultProxy(fifth.url));
  }

  /** Waits until they are so old that they could not have forgotten a lease. */
  async ready(): Promise<void> {
    await delay(Math.max(0, this.#startedAt + LEASE_MS + UPTIME_ERROR_MS - performance.now()));
  }

  /** Where applications find them. */
  get urls(): string[] {
    return [...this.near.map(({ url }) => url), this.far.url()];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.far.stop();
    await Promise.all([...this.near, this.fifth].map((server) => server.stop()));
  }
}
