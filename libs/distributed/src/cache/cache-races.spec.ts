/**
 * The races in which caches serve what was evicted. A gate holds one step while the other side runs
 * to its end. Each test is judged by what the callers of both nodes get afterwards, and names the
 * naive version it catches.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type CacheNode,
  type CacheNodeOptions,
  startCacheNode,
} from '../../../../test/support/cache-node.fixture.js';
import { GatedCacheStore } from '../../../../test/support/gated-cache-store.fixture.js';
import { type RedisServer, startRedis } from '../../../../test/support/redis.fixture.js';

interface GatedNode extends CacheNode {
  readonly gates: GatedCacheStore;
}

describe('races', () => {
  let server: RedisServer;
  let a: GatedNode;
  let b: GatedNode;
  /** The protected resource. */
  let row: string;
  const nodes: CacheNode[] = [];

  async function node(cache: CacheNodeOptions['cache'] = {}): Promise<GatedNode> {
    let gates!: GatedCacheStore;
    const store: CacheNodeOptions['store'] = (inner) => (gates = new GatedCacheStore(inner));
    const started = { ...(await startCacheNode(server.url, { cache, store })), gates };
    nodes.push(started);
    return started;
  }

  const get = (on: CacheNode): Promise<string> => on.service.getOrSet('c', 'k', () => row);

  /** A load that has read the row and has not returned yet. */
  function slowGet(on: CacheNode): {
    value: Promise<string>;
    loading: Promise<void>;
    finish: () => void;
  } {
    let finish!: () => void;
    let begin!: () => void;
    const gate = new Promise<void>((resolve) => (finish = resolve));
    const loading = new Promise<void>((resolve) => (begin = resolve));
    const value = on.service.getOrSet('c', 'k', async () => {
      const read = row;
      begin();
      await gate;
      return read;
    });
    return { value, loading, finish };
  }

  /** Resolves with the next invalidation that arrives at the node. */
  const heard = (on: CacheNode): Promise<void> =>
    new Promise((resolve) => on.bus.onInvalidation(() => resolve()));

  /** Everybody reads what is true: nothing old was left behind anywhere. */
  async function expectNew(): Promise<void> {
    for (const reader of [a, b, a, b]) expect(await get(reader)).toBe('new');
  }

  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    row = 'old';
    [a, b] = await Promise.all([node(), node()]);
  });
  afterEach(async () => {
    await a.connection.client.flushall();
    await Promise.all(nodes.splice(0).map((started) => started.close()));
  });

  describe('a load that began before an eviction', () => {
    it('does not store its value after it (catches: fill by unconditional SET)', async () => {
      const load = slowGet(a);
      await load.loading;
      row = 'new';
      const message = heard(a);
      await b.service.delete('c', 'k');
      await message;
      load.finish();
      expect(await load.value).toBe('old');
      await expectNew();
      expect(a.service.stats()['c']).toMatchObject({ rejected: 1 });
    });

    it('does not store its value when only the last step was late (catches: check, then SET)', async () => {
      const gate = a.gates.hold('fill');
      const value = get(a);
      await gate.arrived;
      row = 'new';
      await b.service.delete('c', 'k');
      gate.open();
      expect(await value).toBe('old');
      await expectNew();
    });

    it('does not enter memory after it, though Redis had taken it (catches: L1 write without a fence)', async () => {
      const gate = a.gates.hold('fill', 'after');
      const value = get(a);
      await gate.arrived;
      row = 'new';
      const message = heard(a);
      await b.service.delete('c', 'k');
      await message;
      gate.open();
      expect(await value).toBe('old');
      await expectNew();
    });

    it('does not bring back what a clear has ended (catches: generation read when the load is done)', async () => {
      const load = slowGet(a);
      await load.loading;
      row = 'new';
      await b.service.clear('c');
      expect(await get(b)).toBe('new');
      load.finish();
      expect(await load.value).toBe('old');
      await expectNew();
    });

    it('does not overwrite a value set meanwhile', async () => {
      const load = slowGet(a);
      await load.loading;
      row = 'new';
      const message = heard(a);
      await b.service.set('c', 'k', 'new');
      await message;
      load.finish();
      await load.value;
      await expectNew();
    });

    it('is not joined by callers that come after it (catches: clear L1, keep the flight)', async () => {
      const load = slowGet(a);
      await load.loading;
      row = 'new';
      await a.service.delete('c', 'k');
      expect(await get(a)).toBe('new');
      load.finish();
      expect(await load.value).toBe('old');
      await expectNew();
    });

    it('does not pass for a later load of the same process (catches: lease token per process, ABA)', async () => {
      const first = slowGet(a);
      await first.loading;
      row = 'newer, but not the last';
      await a.service.delete('c', 'k');
      const second = slowGet(a);
      await second.loading;
      first.finish();
      expect(await first.value).toBe('old');
      expect(await b.service.get('c', 'k')).toBeUndefined();
      row = 'new';
      await a.service.delete('c', 'k');
      second.finish();
      await second.value;
      await expectNew();
    });
  });

  describe('a read of Redis on its way during an eviction', () => {
    beforeEach(async () => {
      await (await node()).service.set('c', 'k', 'old');
    });

    it('does not enter memory of the evicting node (catches: clearing L1 before Redis only)', async () => {
      const gate = a.gates.hold('read', 'after');
      const value = get(a);
      await gate.arrived;
      row = 'new';
      await a.service.delete('c', 'k');
      gate.open();
      expect(await value).toBe('old');
      await expectNew();
    });

    it('does not enter memory of another node (catches: ignoring messages for keys not in L1)', async () => {
      const gate = b.gates.hold('read', 'after');
      const value = get(b);
      await gate.arrived;
      row = 'new';
      const message = heard(b);
      await a.service.delete('c', 'k');
      await message;
      gate.open();
      expect(await value).toBe('old');
      await expectNew();
    });

    it('does not survive in memory when it slipped in before Redis forgot (catches: no second clear)', async () => {
      const gate = a.gates.hold('remove');
      row = 'new';
      const deleted = a.service.delete('c', 'k');
      await gate.arrived;
      expect(await get(a)).toBe('old');
      gate.open();
      await deleted;
      await expectNew();
    });

    it('does not make a generation known that a clear has ended (catches: learning from a late reply)', async () => {
      const shy = await node();
      const gate = shy.gates.hold('generation', 'after');
      const value = get(shy);
      await gate.arrived;
      row = 'new';
      const message = heard(shy);
      await a.service.clear('c');
      await message;
      gate.open();
      await value;
      expect(await get(shy)).toBe('new');
    });
  });

  describe('a put on its way during an eviction', () => {
    it('evicts instead of writing (catches: put by unconditional SET)', async () => {
      const gate = a.gates.hold('put');
      const set = a.service.set('c', 'k', 'old');
      await gate.arrived;
      row = 'new';
      await b.service.delete('c', 'k');
      gate.open();
      await set;
      await expectNew();
    });
  });

  describe('the lease', () => {
    it('that Redis confirmed too late gives no right to write (catches: filling under an unconfirmed lease)', async () => {
      a.gates.loseReply('acquire');
      const gate = a.gates.hold('abandon');
      expect(await get(a)).toBe('old');
      await gate.arrived;
      expect((await a.store.read({ cache: 'c', key: 'sk' }))?.record.kind).toBe('lease');
      gate.open();
      row = 'new';
      await expectNew();
    });

    it('lets the others wait for one load, and is extended while it runs (catches: a fixed lease)', async () => {
      const [holder, waiter] = await Promise.all([
        node({ lease: { ttl: 150 } }),
        node({ lease: { ttl: 150 } }),
      ]);
      const load = slowGet(holder);
      await load.loading;
      const waiting = get(waiter);
      // Longer than the lease: without extension the waiter takes it and loads.
      await new Promise((resolve) => setTimeout(resolve, 600));
      row = 'new';
      load.finish();
      expect(await Promise.all([load.value, waiting])).toEqual(['old', 'old']);
      expect(waiter.service.stats()['c']?.loads).toBe(0);
    });

    it('of a dead process runs out, and the next one loads', async () => {
      await a.store.acquire({ cache: 'c', key: 'sk' }, await leaseOfSomebody(a), 300);
      expect(await get(b)).toBe('old');
      expect(b.service.stats()['c']).toMatchObject({ loads: 1, stored: 1 });
    });

    it('is waited for no longer than `wait`; then a call answers by itself and stores nothing', async () => {
      const impatient = await node({ lease: { wait: 50 } });
      await a.store.acquire({ cache: 'c', key: 'sk' }, await leaseOfSomebody(a), 60_000);
      expect(await get(impatient)).toBe('old');
      expect(await get(impatient)).toBe('old');
      expect(impatient.service.stats()['c']).toMatchObject({ loads: 2, stored: 0, l1Entries: 0 });
    });

    it('of an ended generation is not waited for', async () => {
      const load = slowGet(a);
      await load.loading;
      row = 'new';
      await b.service.clear('c');
      const startedAt = performance.now();
      expect(await get(b)).toBe('new');
      expect(performance.now() - startedAt).toBeLessThan(1_000);
      load.finish();
      await load.value;
      await expectNew();
    });

    it('passes to a waiter when the load fails', async () => {
      const failing = a.service.getOrSet('c', 'k', async () => {
        await new Promise((resolve) => setTimeout(resolve, 50));
        throw new Error('no');
      });
      const [first, second] = await Promise.allSettled([failing, get(b)]);
      expect(first).toMatchObject({ status: 'rejected' });
      expect(second).toMatchObject({ status: 'fulfilled', value: 'old' });
    });
  });

  describe('a stampede', () => {
    it('of 500 callers over 4 nodes on a cold key makes one load', async () => {
      const cluster = [a, b, await node(), await node()];
      let loads = 0;
      const load = async (): Promise<string> => {
        loads++;
        await new Promise((resolve) => setTimeout(resolve, 50));
        return row;
      };
      const calls = Array.from({ length: 500 }, (_unused, index) =>
        (cluster[index % 4] as CacheNode).service.getOrSet('c', 'k', load),
      );
      expect(new Set(await Promise.all(calls))).toEqual(new Set(['old']));
      expect(loads).toBe(1);
      const reads = cluster.map(({ gates }) => gates.calls.read ?? 0);
      expect(Math.max(...reads)).toBeLessThan(20);
    });

    it('leaves every node with the truth after random loads, evictions and puts', async () => {
      const cluster = [a, b, await node(), await node()];
      const rows = new Map<number, number>();
      const read = (on: CacheNode, id: number): Promise<number> =>
        on.service.getOrSet('stress', id, async () => {
          const version = rows.get(id) ?? 0;
          if (Math.random() < 0.2) await new Promise((resolve) => setTimeout(resolve, 3));
          return version;
        });
      const worker = async (index: number): Promise<void> => {
        for (let step = 0; step < 150; step++) {
          const on = cluster[(index + step) % 4] as CacheNode;
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
      await Promise.all(cluster.map(caughtUp));
      for (const on of cluster)
        for (let id = 0; id < 10; id++) expect(await read(on, id)).toBe(rows.get(id) ?? 0);
    });
  });

  /** A lease that no living load holds. */
  async function leaseOfSomebody(on: CacheNode): Promise<{ stamp: string; token: string }> {
    return { stamp: `${await on.store.generation('c')}.1`, token: 'dead' };
  }

  /** Every message published so far has arrived: the next one comes after them. */
  async function caughtUp(on: CacheNode): Promise<void> {
    const sender = nodes.find((other) => other !== on) as CacheNode;
    await new Promise<void>((resolve) => {
      on.bus.onInvalidation((cache) => cache === 'mark' && resolve());
      void sender.service.delete('mark', Math.random());
    });
  }
});
