/**
 * The races in which caches serve what was evicted. A gate holds one step while the other side runs
 * to its end. Each test is judged by what the callers of both nodes get afterwards, and names the
 * naive version it catches.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { CacheCluster, type GatedNode } from '../../../../test/support/cache-cluster.fixture.js';

describe('races', () => {
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

  describe('a load that began before an eviction', () => {
    it('does not store its value after it (catches: fill by unconditional SET)', async () => {
      const load = cluster.slowGet(a);
      await load.loading;
      cluster.row = 'new';
      const message = cluster.heard(a);
      await b.service.delete('c', 'k');
      await message;
      load.finish();
      expect(await load.value).toBe('old');
      expect(await cluster.answers()).toEqual(new Set(['new']));
      expect(a.service.stats()['c']).toMatchObject({ rejected: 1 });
    });

    it('does not store its value when only the last step was late (catches: check, then SET)', async () => {
      const gate = a.gates.hold('fill');
      const value = cluster.get(a);
      await gate.arrived;
      cluster.row = 'new';
      await b.service.delete('c', 'k');
      gate.open();
      expect(await value).toBe('old');
      expect(await cluster.answers()).toEqual(new Set(['new']));
    });

    it('does not enter memory after it, though Redis had taken it (catches: L1 write without a fence)', async () => {
      const gate = a.gates.hold('fill', 'after');
      const value = cluster.get(a);
      await gate.arrived;
      cluster.row = 'new';
      const message = cluster.heard(a);
      await b.service.delete('c', 'k');
      await message;
      gate.open();
      expect(await value).toBe('old');
      expect(await cluster.answers()).toEqual(new Set(['new']));
    });

    it('does not bring back what a clear has ended (catches: generation read when the load is done)', async () => {
      const load = cluster.slowGet(a);
      await load.loading;
      cluster.row = 'new';
      await b.service.clear('c');
      expect(await cluster.get(b)).toBe('new');
      load.finish();
      expect(await load.value).toBe('old');
      expect(await cluster.answers()).toEqual(new Set(['new']));
    });

    it('does not overwrite a value set meanwhile', async () => {
      const load = cluster.slowGet(a);
      await load.loading;
      cluster.row = 'new';
      const message = cluster.heard(a);
      await b.service.set('c', 'k', 'new');
      await message;
      load.finish();
      await load.value;
      expect(await cluster.answers()).toEqual(new Set(['new']));
    });

    it('is not joined by callers that come after it (catches: clear L1, keep the flight)', async () => {
      const load = cluster.slowGet(a);
      await load.loading;
      cluster.row = 'new';
      await a.service.delete('c', 'k');
      expect(await cluster.get(a)).toBe('new');
      load.finish();
      expect(await load.value).toBe('old');
      expect(await cluster.answers()).toEqual(new Set(['new']));
    });

    it('does not pass for a later load of the same process (catches: lease token per process, ABA)', async () => {
      const first = cluster.slowGet(a);
      await first.loading;
      cluster.row = 'newer, but not the last';
      await a.service.delete('c', 'k');
      const second = cluster.slowGet(a);
      await second.loading;
      first.finish();
      expect(await first.value).toBe('old');
      expect(await b.service.get('c', 'k')).toBeUndefined();
      cluster.row = 'new';
      await a.service.delete('c', 'k');
      second.finish();
      await second.value;
      expect(await cluster.answers()).toEqual(new Set(['new']));
    });
  });

  describe('a read of Redis on its way during an eviction', () => {
    beforeEach(async () => {
      await (await cluster.node()).service.set('c', 'k', 'old');
      // Or the message of this write would fence what is read below.
      await Promise.all([cluster.caughtUp(a), cluster.caughtUp(b)]);
    });

    it('does not enter memory of the evicting node (catches: clearing L1 before Redis only)', async () => {
      const gate = a.gates.hold('read', 'after');
      const value = cluster.get(a);
      await gate.arrived;
      cluster.row = 'new';
      await a.service.delete('c', 'k');
      gate.open();
      expect(await value).toBe('old');
      expect(await cluster.answers()).toEqual(new Set(['new']));
    });

    it('does not enter memory of another node (catches: ignoring messages for keys not in L1)', async () => {
      const gate = b.gates.hold('read', 'after');
      const value = cluster.get(b);
      await gate.arrived;
      cluster.row = 'new';
      const message = cluster.heard(b);
      await a.service.delete('c', 'k');
      await message;
      gate.open();
      expect(await value).toBe('old');
      expect(await cluster.answers()).toEqual(new Set(['new']));
    });

    it('does not survive in memory when it slipped in before Redis forgot (catches: no second clear)', async () => {
      const gate = a.gates.hold('remove');
      cluster.row = 'new';
      const deleted = a.service.delete('c', 'k');
      await gate.arrived;
      expect(await cluster.get(a)).toBe('old');
      expect(a.service.stats()['c']?.l1Entries).toBe(1);
      gate.open();
      await deleted;
      expect(await cluster.answers()).toEqual(new Set(['new']));
    });

    it('does not matter to callers once Redis has forgotten, though its reply is late (catches: clearing L1 after Redis only)', async () => {
      await cluster.get(a);
      const gate = a.gates.hold('remove', 'after');
      cluster.row = 'new';
      const deleted = a.service.delete('c', 'k');
      await gate.arrived;
      expect(await cluster.get(a)).toBe('new');
      gate.open();
      await deleted;
      expect(await cluster.answers()).toEqual(new Set(['new']));
    });

    it('does not make a generation known that a clear has ended (catches: learning from a late reply)', async () => {
      const shy = await cluster.node();
      const gate = shy.gates.hold('generation', 'after');
      const value = cluster.get(shy);
      await gate.arrived;
      cluster.row = 'new';
      const message = cluster.heard(shy);
      await a.service.clear('c');
      await message;
      gate.open();
      await value;
      expect(await cluster.get(shy)).toBe('new');
    });
  });

  describe('a put on its way during an eviction', () => {
    it('evicts instead of writing (catches: put by unconditional SET)', async () => {
      const gate = a.gates.hold('put');
      const set = a.service.set('c', 'k', 'old');
      await gate.arrived;
      cluster.row = 'new';
      await b.service.delete('c', 'k');
      gate.open();
      await set;
      expect(await cluster.answers()).toEqual(new Set(['new']));
    });
  });
});
