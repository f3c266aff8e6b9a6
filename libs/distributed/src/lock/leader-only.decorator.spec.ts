/** @LeaderOnly in applications of Nest, three of them on one Redis. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Injectable, type INestApplicationContext } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { type RedisServer, startRedis } from '../../../../test/support/redis.fixture.js';
import { DistributedModule } from '../distributed.module.js';
import { MemoryLockStore } from '../testing/index.js';
import { currentLock, LeaderOnly, LOCK_CHANNELS, LockService, type Lock } from './index.js';

const failure = new Error('mine');

@Injectable()
class Importer {
  @LeaderOnly('importer', { lease: '1s' })
  async import(file: string): Promise<string | undefined> {
    return `${file} ${currentLock()?.fencingToken}`;
  }

  @LeaderOnly('importer', { lease: '1s', ifNotLeader: 'throw' })
  async reimport(): Promise<Lock | undefined> {
    return currentLock();
  }

  @LeaderOnly('importer', { lease: '1s' })
  async fail(): Promise<void> {
    throw failure;
  }

  @LeaderOnly('other')
  async other(): Promise<number | undefined> {
    return 1;
  }
}

let server: RedisServer;

async function application(): Promise<INestApplicationContext> {
  const redis = { url: server.url };
  const module = await Test.createTestingModule({
    imports: [DistributedModule.forRoot({ redis, lock: { shutdownGrace: '5s' } })],
    providers: [Importer],
  }).compile();
  return await module.init();
}

/** Which of them is elected, without a question that would make it take part. */
async function elected(apps: INestApplicationContext[]): Promise<INestApplicationContext> {
  return await new Promise((resolve) => {
    const look = (): void => {
      const leader = apps.find((app) => electionOf(app).isLeader);
      if (!leader) return;
      unsubscribe(LOCK_CHANNELS.elected, look);
      resolve(leader);
    };
    subscribe(LOCK_CHANNELS.elected, look);
    look();
  });
}

const electionOf = (app: INestApplicationContext) => app.get(LockService).election('importer');

beforeAll(async () => {
  server = await startRedis();
});

afterAll(async () => {
  await server.stop();
});

describe('@LeaderOnly', () => {
  it('runs in one application of three, elected from boot; a shutdown passes it on (mutation: join at the first call)', async () => {
    const apps: INestApplicationContext[] = await Promise.all([
      application(),
      application(),
      application(),
    ]);
    const terms: number[] = [];
    for (let left = apps; left.length > 0;) {
      const leader = await elected(left);
      const others = left.filter((app) => app !== leader);
      const { fencingToken = 0 } = electionOf(leader).leadership ?? {};
      expect(await leader.get(Importer).import('a')).toBe(`a ${fencingToken}`);
      expect(await leader.get(Importer).reimport()).toBe(electionOf(leader).leadership);
      for (const other of others) {
        expect(await other.get(Importer).import('a')).toBeUndefined();
        await expect(other.get(Importer).reimport()).rejects.toMatchObject({
          code: 'E_LOCK_NOT_LEADER',
        });
      }
      terms.push(fencingToken);
      await leader.close();
      left = others;
    }
    expect(terms).toEqual([...new Set(terms)].toSorted((a, b) => a - b));
    expect(terms).toHaveLength(3);
  });

  it("lets the method's own error through, and elections apart", async () => {
    const app = await application();
    await electionOf(app).campaign();
    await expect(app.get(Importer).fail()).rejects.toBe(failure);
    await electionOf(app).resign();
    expect(await app.get(Importer).fail()).toBeUndefined();
    await app.get(LockService).election('other').campaign();
    expect(await app.get(Importer).other()).toBe(1);
    await app.close();
  });

  it('fails at boot when methods disagree about their election', async () => {
    class Divided {
      @LeaderOnly('importer', { lease: '1s' })
      async one(): Promise<void> {}

      @LeaderOnly('importer')
      async two(): Promise<void> {}
    }
    const lock = { store: new MemoryLockStore() };
    const module = await Test.createTestingModule({
      imports: [DistributedModule.forRoot({ lock })],
      providers: [Divided],
    }).compile();
    await expect(module.init()).rejects.toThrow(
      /election 'importer'.lease: is 10000 ms here and 1000 ms elsewhere/,
    );
  });

  it.each([
    ['a name that identifies nothing', '', {}, /E_KEY_INVALID|''/],
    ['an unknown option', 'x', { wait: '5s' }, /unknown option 'wait'/],
    ['a short lease', 'x', { lease: 1 }, /lease.*at least 100 ms/],
    ['losses that nobody hears of', 'x', { onLost: 'ignore' }, /onLost/],
  ])('refuses %s at decoration', (_what, name, options, problem) => {
    const decorate = (): void => {
      class Late {
        @(LeaderOnly(name, options as never) as MethodDecorator)
        async method(): Promise<void> {}
      }
      void Late;
    };
    expect(decorate).toThrow(problem);
  });
});
