/** Conformance: what a store owes the holder of a lock. */
import assert from 'node:assert/strict';
import { LEASE_MS, SHORT_LEASE_MS } from './lock-store-probe.js';
import type { LockStoreRule } from './lock-store-rule.js';

const LONGER_MS = 2 * LEASE_MS;

/** The rules, in the order of the port. */
export const holderRules: readonly LockStoreRule[] = [
  {
    name: 'acquire: grants a free lock to one, and refuses everybody else',
    check: async (lock) => {
      await lock.take('p:1');
      const retryMs = await lock.refused('q:1');
      assert.ok(retryMs < 0 || (retryMs > 0 && retryMs <= LEASE_MS), `retryMs is ${retryMs}`);
      await lock.refused('p:2');
    },
  },
  {
    name: 'acquire: of many at once, one gets it',
    check: async (lock) => {
      const names = Array.from({ length: 20 }, (_, n) => `p${n}:1`);
      const replies = await Promise.all(names.map((name) => lock.acquire(name)));
      assert.equal(replies.filter(({ acquired }) => acquired).length, 1);
    },
  },
  {
    name: 'acquire: keys are independent of each other',
    check: async (lock) => {
      await lock.take('p:1');
      await lock.take('q:1', { key: `${lock.key}/other` });
      assert.equal(await lock.holder(), 'p:1');
    },
  },
  {
    name: 'acquire: executed twice is one acquisition, with the same fencing token',
    check: async (lock) => {
      const command = { fences: 5 };
      const first = await lock.take('p:1', command);
      assert.equal(await lock.take('p:1', command), first);
      const both = await Promise.all([lock.take('p:1', command), lock.take('p:1', command)]);
      assert.deepEqual(both, [first, first]);
      assert.equal(await lock.release('p:1'), 'deleted');
      assert.equal(await lock.query(), null);
    },
  },
  {
    name: 'acquire: never shortens a lease that was granted',
    check: async (lock) => {
      await lock.take('p:1');
      await lock.take('p:1', { leaseMs: SHORT_LEASE_MS });
      assert.ok((await lock.remaining()) > LEASE_MS / 2);
    },
  },
  {
    name: 'acquire: a lease that ends frees the lock, and the former owner has nothing left',
    check: async (lock) => {
      await lock.take('p:1', { leaseMs: SHORT_LEASE_MS });
      await lock.until(async () => (await lock.acquire('q:1')).acquired);
      assert.deepEqual(await lock.renew(LEASE_MS, 'p:1'), [false]);
      assert.notEqual(await lock.release('p:1'), 'deleted');
      assert.equal(await lock.holder(), 'q:1');
    },
  },
  {
    name: 'fencing tokens: are exact integers that grow with every acquisition',
    needs: ['fencing'],
    check: async (lock) => {
      let last = 0;
      for (let round = 1; round <= 10; round++) {
        const token = await lock.take(`p:${round}`);
        assert.ok(Number.isSafeInteger(token) && token > last, `${token} after ${last}`);
        last = token;
        await lock.release(`p:${round}`);
      }
    },
  },
  {
    name: 'fencing tokens: reserved ones are nobody else’s',
    needs: ['fencing'],
    check: async (lock) => {
      const first = await lock.take('p:1', { fences: 17 });
      assert.equal((await lock.query())?.fencingToken, first + 16);
      await lock.release('p:1');
      assert.ok((await lock.take('q:1')) >= first + 17);
    },
  },
  {
    name: 'fencing tokens: grow over a lease that ended by itself',
    needs: ['fencing'],
    check: async (lock) => {
      const first = await lock.take('p:1', { leaseMs: SHORT_LEASE_MS, fences: 3 });
      await lock.until(async () => (await lock.query()) === null);
      assert.ok((await lock.take('q:1')) >= first + 3);
    },
  },
  {
    name: 'renew: makes a lease last at least as long as asked, never shorter',
    check: async (lock) => {
      await lock.take('p:1');
      assert.deepEqual(await lock.renew(LONGER_MS, 'p:1'), [true]);
      assert.ok((await lock.remaining()) > LEASE_MS);
      assert.deepEqual(await lock.renew(SHORT_LEASE_MS, 'p:1'), [true]);
      assert.ok((await lock.remaining()) > LEASE_MS);
    },
  },
  {
    name: 'renew: is for the holder only, and takes no lock that is free',
    check: async (lock) => {
      assert.deepEqual(await lock.renew(LEASE_MS, 'p:1'), [false]);
      assert.equal(await lock.query(), null);
      await lock.take('p:1');
      assert.deepEqual(await lock.renew(LONGER_MS, 'q:1'), [false]);
      assert.ok((await lock.remaining()) <= LEASE_MS);
    },
  },
  {
    name: 'renew: does not revive a lease that has ended',
    check: async (lock) => {
      await lock.take('p:1', { leaseMs: SHORT_LEASE_MS });
      await lock.until(async () => (await lock.query()) === null);
      assert.deepEqual(await lock.renew(LEASE_MS, 'p:1'), [false]);
      assert.equal(await lock.query(), null);
      assert.notEqual(await lock.release('p:1'), 'deleted');
    },
  },
  {
    name: 'renew: of many has a result for each, in order',
    check: async (lock) => {
      const key = `${lock.key}/second`;
      await lock.take('p:1');
      await lock.take('p:2', { key });
      const claims = [{ short: 'p:2', key }, 'q:1', 'p:1', { short: 'p:1', key }] as const;
      assert.deepEqual(await lock.renew(LONGER_MS, ...claims), [true, false, true, false]);
      assert.ok(((await lock.query(lock.store, key))?.remainingMs ?? 0) > LEASE_MS);
      assert.deepEqual(await lock.renew(LEASE_MS), []);
    },
  },
  {
    name: 'release: frees the lock, once',
    check: async (lock) => {
      await lock.take('p:1');
      assert.equal(await lock.release('p:1'), 'deleted');
      assert.notEqual(await lock.release('p:1'), 'deleted');
      await lock.take('q:1');
    },
  },
  {
    name: 'release: never frees the lock of somebody else',
    check: async (lock) => {
      await lock.take('p:1');
      assert.notEqual(await lock.release('q:1'), 'deleted');
      await lock.release('p:1');
      await lock.take('q:1');
      assert.notEqual(await lock.release('p:1'), 'deleted');
      assert.equal(await lock.holder(), 'q:1');
    },
  },
  {
    name: 'release: keepMs keeps the lock taken, by nobody, for so long',
    check: async (lock) => {
      await lock.take('p:1');
      assert.equal(await lock.release('p:1', 2_000), 'deleted');
      assert.deepEqual(await lock.renew(LEASE_MS, 'p:1'), [false]);
      const retryMs = await lock.refused('p:1');
      assert.ok(retryMs <= 2_000, `retryMs is ${retryMs}`);
      assert.notEqual(await lock.release('p:1'), 'deleted');
      await lock.refused('q:1');
    },
  },
  {
    name: 'release: what was kept is free when its time is over, also when the release came twice',
    check: async (lock) => {
      await lock.take('p:1');
      await lock.release('p:1', SHORT_LEASE_MS);
      await lock.release('p:1', LEASE_MS);
      await lock.until(async () => (await lock.acquire('q:1')).acquired);
    },
  },
  {
    name: 'revoke: takes the lock from its owner, who cannot renew it any more',
    check: async (lock) => {
      await lock.take('p:1');
      assert.equal(await lock.revoke('p:1'), 'deleted');
      assert.equal(await lock.query(), null);
      assert.deepEqual(await lock.renew(LEASE_MS, 'p:1'), [false]);
      await lock.take('q:1');
    },
  },
  {
    name: 'revoke: tells the owner',
    needs: ['reports'],
    check: async (lock) => {
      await lock.watch(lock.other, 'p');
      await lock.take('p:1');
      await lock.revoke('p:1');
      assert.equal(await lock.nextReport(), 'revoked p:1 at p');
    },
  },
  {
    name: 'revoke: never takes the lock of a successor',
    check: async (lock) => {
      await lock.take('p:1');
      await lock.release('p:1');
      await lock.take('q:1');
      assert.notEqual(await lock.revoke('p:1'), 'deleted');
      assert.equal(await lock.holder(), 'q:1');
    },
  },
  {
    name: 'query: tells every process who holds a lock, and for how long',
    check: async (lock) => {
      assert.equal(await lock.query(), null);
      const fencingToken = await lock.take('p:1');
      const state = await lock.query(lock.other);
      assert.ok(state && state.remainingMs > 0 && state.remainingMs <= LEASE_MS);
      const { owner, waiters } = state;
      assert.deepEqual([owner, waiters], [lock.owner('p:1'), 0]);
      if (lock.fencing) assert.equal(state.fencingToken, fencingToken);
    },
  },
];
