/** Conformance: what a store owes those who wait for a lock. */
import assert from 'node:assert/strict';
import { SHORT_LEASE_MS } from './lock-store-probe.js';
import type { LockStoreRule } from './lock-store-rule.js';

/** How long a dead waiter may stand in the way at most. */
const LONGEST_PATIENCE_MS = 5_000;
/** How long a waiter may be told to wait where nobody wakes it. */
const LONGEST_POLL_MS = 1_000;

/** The rules, from the first waiter to the last. */
export const waiterRules: readonly LockStoreRule[] = [
  {
    name: 'no queue: says so, keeps nobody a place, and lets waiters ask again soon',
    without: 'queue',
    check: async (lock) => {
      assert.equal(lock.store.keepsOrder, false, 'keepsOrder');
      await lock.take('p:1');
      for (const name of ['q:1', 'r:1']) {
        const retryMs = await lock.stand(name);
        assert.ok(retryMs > 0 && retryMs <= LONGEST_POLL_MS, `retryMs is ${retryMs}`);
      }
      assert.equal((await lock.query())?.waiters, 0);
      await lock.release('p:1');
      await lock.take('r:1', { queue: true });
    },
  },
  {
    name: 'queue: is announced by the store',
    needs: ['queue'],
    check: async (lock) => {
      assert.equal(lock.store.keepsOrder, true, 'keepsOrder');
    },
  },
  {
    name: 'frees: gives one lock back and takes it for the next of the process, in one step',
    check: async (lock) => {
      const first = await lock.take('p:1', { fences: 3 });
      const reply = await lock.acquire('p:2', { frees: lock.owner('p:1') });
      assert.ok(reply.acquired);
      assert.equal(reply.freed, 'deleted');
      assert.equal(await lock.holder(), 'p:2');
      if (lock.fencing) assert.ok(reply.fencingToken >= first + 3);
    },
  },
  {
    name: 'frees: executed twice is one hand-over, and frees nobody else',
    check: async (lock) => {
      await lock.take('p:1');
      const command = { frees: lock.owner('p:1') };
      const token = await lock.take('p:2', command);
      const again = await lock.acquire('p:2', command);
      assert.ok(again.acquired && again.freed !== 'deleted');
      assert.equal(again.fencingToken, token);
      const late = await lock.acquire('p:3', command);
      assert.ok(!late.acquired && late.freed !== 'deleted');
      assert.equal(await lock.holder(), 'p:2');
    },
  },
  {
    name: 'queue: serves in order of arrival, whoever asks',
    needs: ['queue'],
    check: async (lock) => {
      await lock.take('p:1');
      const order = ['q:1', 'r:1', 'q:2', 's:1'];
      for (const name of order) await lock.stand(name);
      assert.equal((await lock.query())?.waiters, order.length);
      await lock.release('p:1');
      for (const late of ['s:1', 'q:2', 'late:1']) await lock.refused(late);
      for (const [index, name] of order.entries()) {
        for (const behind of order.slice(index + 1)) await lock.stand(behind);
        await lock.take(name, { queue: true });
        await lock.release(name);
      }
      await lock.take('late:1');
    },
  },
  {
    name: 'queue: asking again keeps the place, it does not move it',
    needs: ['queue'],
    check: async (lock) => {
      await lock.take('p:1');
      await lock.stand('q:1');
      await lock.stand('r:1');
      for (let round = 0; round < 3; round++) await lock.stand('q:1');
      assert.equal((await lock.query())?.waiters, 2);
      await lock.release('p:1');
      await lock.refused('r:1');
      await lock.take('q:1', { queue: true });
    },
  },
  {
    name: 'queue: who does not ask for a place does not get one',
    needs: ['queue'],
    check: async (lock) => {
      await lock.take('p:1');
      await lock.refused('q:1');
      assert.equal((await lock.query())?.waiters, 0);
      await lock.release('p:1');
      await lock.take('r:1');
    },
  },
  {
    name: 'queue: a lease that ends is inherited by the first waiter',
    needs: ['queue'],
    check: async (lock) => {
      await lock.take('p:1', { leaseMs: SHORT_LEASE_MS });
      const retryMs = await lock.stand('q:1');
      assert.ok(retryMs <= SHORT_LEASE_MS, `retryMs is ${retryMs}`);
      await lock.until(async () => (await lock.query()) === null);
      await lock.refused('r:1');
      await lock.take('q:1', { queue: true });
    },
  },
  {
    name: 'queue: dead waiters go together, after seconds; one command keeps the places of a process',
    needs: ['queue'],
    check: async (lock) => {
      await lock.take('p:1');
      const dead = ['dead:1', 'dead:2', 'dead:3'];
      for (const name of [...dead, 'q:1', 'q:2']) await lock.stand(name);
      // The last sign of life is that of the dead: a sibling that was not kept would go before them.
      for (const name of dead) await lock.stand(name);
      await lock.release('p:1');
      const siblings = [lock.owner('q:2'), lock.owner('q:3')];
      const retryMs = await lock.stand('q:1', { siblings });
      assert.ok(retryMs > 0 && retryMs <= LONGEST_PATIENCE_MS, `retryMs is ${retryMs}`);
      await lock.until(async () => (await lock.acquire('q:1', { queue: true, siblings })).acquired);
      assert.equal((await lock.query())?.waiters, 1);
      await lock.release('q:1');
      await lock.refused('late:1');
      await lock.take('q:2', { queue: true });
    },
  },
  {
    name: 'wake: a release tells the first waiter, at his process alone',
    needs: ['queue', 'reports'],
    check: async (lock) => {
      await lock.watch(lock.store, 'q');
      await lock.watch(lock.other, 'r');
      await lock.take('p:1');
      await lock.stand('r:7');
      await lock.stand('q:8');
      await lock.release('p:1');
      assert.equal(await lock.nextReport(), 'turn r:7 at r');
      await lock.take('r:7', { queue: true });
      await lock.release('r:7');
      assert.equal(await lock.nextReport(), 'turn q:8 at q');
    },
  },
  {
    name: 'wake: whose report was lost is told again when somebody else asks for the free lock',
    needs: ['queue', 'reports'],
    check: async (lock) => {
      await lock.take('p:1');
      await lock.stand('r:1');
      await lock.release('p:1');
      await lock.watch(lock.other, 'r');
      await lock.stand('q:1');
      assert.equal(await lock.nextReport(), 'turn r:1 at r');
    },
  },
  {
    name: 'wake: a waiter who leaves after his call passes it on',
    needs: ['queue', 'reports'],
    check: async (lock) => {
      await lock.watch(lock.other, 'r');
      await lock.take('p:1');
      await lock.stand('q:1');
      await lock.stand('r:1');
      await lock.release('p:1');
      assert.notEqual(await lock.release('q:1'), 'deleted');
      assert.equal(await lock.nextReport(), 'turn r:1 at r');
      await lock.take('r:1', { queue: true });
    },
  },
  {
    name: 'wake: a hand-over lets waiters of other processes go first, and tells them',
    needs: ['queue', 'reports'],
    check: async (lock) => {
      await lock.watch(lock.other, 'r');
      await lock.take('p:1');
      await lock.stand('r:1');
      const reply = await lock.acquire('p:2', { queue: true, frees: lock.owner('p:1') });
      assert.ok(!reply.acquired);
      assert.equal(reply.freed, 'deleted');
      assert.equal(await lock.nextReport(), 'turn r:1 at r');
      await lock.refused('p:2');
      await lock.take('r:1', { queue: true });
    },
  },
  {
    name: 'wake: a revoked lock goes to the first waiter',
    needs: ['queue', 'reports'],
    check: async (lock) => {
      await lock.watch(lock.other, 'r');
      await lock.take('p:1');
      await lock.stand('r:1');
      await lock.revoke('p:1');
      assert.equal(await lock.nextReport(), 'turn r:1 at r');
      await lock.take('r:1', { queue: true });
    },
  },
  {
    name: 'unwatch: ends the reports, twice is once',
    needs: ['queue', 'reports'],
    check: async (lock) => {
      await lock.watch(lock.other, 'q');
      await lock.watch(lock.store, 'r');
      await lock.other.unwatch();
      await lock.other.unwatch();
      await lock.take('p:1');
      await lock.stand('q:1');
      await lock.stand('r:1');
      await lock.release('p:1');
      await lock.take('q:1', { queue: true });
      await lock.release('q:1');
      assert.equal(await lock.nextReport(), 'turn r:1 at r');
    },
  },
];
