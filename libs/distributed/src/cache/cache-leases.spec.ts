/** One load per cluster: leases, waiting, and what many callers at once cost. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { CacheCluster, type GatedNode } from '../../../../test/support/cache-cluster.fixture.js';
import type { CacheNode } from '../../../../test/support/cache-node.fixture.js';
import type { FillLease } from './entry-format.js';
import { UnsharedError } from './stored-error.js';

describe('leases', () => {
  let cluster: CacheCluster;
  let a: GatedNode;
  let b: GatedNode;

  beforeAll(async () => {
    cluster = await CacheCluster.start();
  });
  afterAll(() => cluster.stop());
  beforeEach(async () => {
    [a, b] = await Promise.all([cluster.node(), cluster.node()]);
  });
  afterEach(() => cluster.reset());

  describe('the lease', () => {
    it('that Redis confirmed too late gives no right to write (catches: filling under an unconfirmed lease)', async () => {
      a.gates.loseReply('acquire');
      const gate = a.gates.hold('abandon');
      expect(await cluster.get(a)).toBe('old');
      await gate.arrived;
      expect((await a.store.read({ cache: 'c', key: 'sk' }))?.entry?.kind).toBe('lease');
      gate.open();
      cluster.row = 'new';
      expect(await cluster.answers()).toEqual(new Set(['new']));
    });

    it('lets the others wait for one load, and is extended while it runs (catches: a fixed lease)', async () => {
      const [holder, waiter] = await Promise.all([
        cluster.node({ lease: { ttl: 150 } }),
        cluster.node({ lease: { ttl: 150 } }),
      ]);
      const load = cluster.slowGet(holder);
      await load.loading;
      const waiting = cluster.get(waiter);
      // Longer than the lease: without extension the waiter takes it and loads.
      await new Promise((resolve) => setTimeout(resolve, 600));
      cluster.row = 'new';
      load.finish();
      expect(await Promise.all([load.value, waiting])).toEqual(['old', 'old']);
      expect(waiter.service.stats()['c']?.loads).toBe(0);
    });

    it('of a dead process runs out, and the next one loads', async () => {
      await a.store.acquire({ cache: 'c', key: 'sk' }, await leaseOfSomebody(a), 300);
      expect(await cluster.get(b)).toBe('old');
      expect(b.service.stats()['c']).toMatchObject({ loads: 1, stored: 1 });
    });

    it('is waited for no longer than `wait`; then a call answers by itself and stores nothing', async () => {
      const impatient = await cluster.node({ lease: { wait: 50 } });
      await a.store.acquire({ cache: 'c', key: 'sk' }, await leaseOfSomebody(a), 60_000);
      expect(await cluster.get(impatient)).toBe('old');
      expect(await cluster.get(impatient)).toBe('old');
      expect(impatient.service.stats()['c']).toMatchObject({ loads: 2, stored: 0, l1Entries: 0 });
    });

    it('of an ended generation is not waited for', async () => {
      const load = cluster.slowGet(a);
      await load.loading;
      cluster.row = 'new';
      await b.service.clear('c');
      const startedAt = performance.now();
      expect(await cluster.get(b)).toBe('new');
      expect(performance.now() - startedAt).toBeLessThan(1_000);
      load.finish();
      await load.value;
      expect(await cluster.answers()).toEqual(new Set(['new']));
    });

    it('of a load that fails tells those who wait for it the error, once (catches: each process repeats the failure)', async () => {
      const failing = cluster.slowGet(a, new TypeError('no'));
      await failing.loading;
      const waiting = cluster.get(b);
      await b.gates.seen('clock', 1);
      failing.finish();
      const outcomes = await Promise.allSettled([failing.value, waiting]);
      for (const outcome of outcomes) {
        expect(outcome).toMatchObject({ status: 'rejected', reason: { message: 'no' } });
        expect((outcome as PromiseRejectedResult).reason).toBeInstanceOf(TypeError);
      }
      expect(b.service.stats()['c']?.loads).toBe(0);
      // Who comes later does not get it.
      expect(await cluster.get(b)).toBe('old');
    });
  });

  it('an error of one call alone is not told to waiters: they load (catches: a private failure that spreads)', async () => {
    const failing = cluster.slowGet(a, new UnsharedError());
    await failing.loading;
    const waiting = cluster.get(b);
    await b.gates.seen('clock', 1);
    failing.finish();
    await expect(failing.value).rejects.toBeInstanceOf(UnsharedError);
    expect(await waiting).toBe('old');
  });

  describe('a stampede', () => {
    it('of 500 callers over 4 nodes on a cold key makes one load', async () => {
      const nodes = [a, b, await cluster.node(), await cluster.node()];
      let loads = 0;
      const load = async (): Promise<string> => {
        loads++;
        await new Promise((resolve) => setTimeout(resolve, 50));
        return cluster.row;
      };
      const calls = Array.from({ length: 500 }, (_unused, index) =>
        (nodes[index % 4] as CacheNode).service.getOrSet('c', 'k', load),
      );
      expect(new Set(await Promise.all(calls))).toEqual(new Set(['old']));
      expect(loads).toBe(1);
      const reads = nodes.map(({ gates }) => gates.calls.read ?? 0);
      expect(Math.max(...reads)).toBeLessThan(20);
    });

    it('leaves every node with the truth after random loads, evictions and puts', async () => {
      const nodes = [a, b, await cluster.node(), await cluster.node()];
      const rows = new Map<number, number>();
      const read = (on: CacheNode, id: number): Promise<number> =>
        on.service.getOrSet('stress', id, async () => {
          const version = rows.get(id) ?? 0;
          if (Math.random() < 0.2) await new Promise((resolve) => setTimeout(resolve, 3));
          return version;
        });
      const worker = async (index: number): Promise<void> => {
        for (let step = 0; step < 150; step++) {
          const on = nodes[(index + step) % 4] as CacheNode;
          const id = Math.floor(Math.random() * 10);
          if (Math.random() < 0.9) await read(on, id);
          else {
            rows.set(id, (rows.get(id) ?? 0) + 1);
            if (step % 10 === 0) await on.service.clear('stress');
            else await on.service.delete('stress', id);
          }
        }
      };
      await Promise.all(Array.from({ length: 16 }, (_unused, index) => worker(index)));
      await Promise.all(nodes.map((on) => cluster.caughtUp(on)));
      for (const on of nodes)
        for (let id = 0; id < 10; id++) expect(await read(on, id)).toBe(rows.get(id) ?? 0);
    });
  });

  /** A lease that no living load holds. */
  async function leaseOfSomebody(on: CacheNode): Promise<FillLease> {
    return { schema: 1, generation: await on.store.generation('c'), token: 'dead' };
  }
});
