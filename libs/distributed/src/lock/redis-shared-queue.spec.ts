/** Readers and writers in the queue of a lock: whose turn it is, and who is told. */
import { describe, expect, it } from '@jest/globals';
import {
  LEASE_MS,
  got,
  tokenOf,
  useRedisStore,
  within,
} from '../../../../test/support/redis-store.fixture.js';
import type { AcquireCommand, AcquireReply } from './lock.store.js';
import { RedisLockStore } from './redis-lock.store.js';

const on = useRedisStore();

const reader = (owner: string) => ({ key: 'k', owner, mode: 'shared' as const });
const writer = (owner: string) => ({ key: 'k', owner });

const read = (owner: string, more: Partial<AcquireCommand> = {}): Promise<AcquireReply> =>
  on.ask(owner, { ...reader(owner), queue: true, ...more });

const write = (owner: string, more: Partial<AcquireCommand> = {}): Promise<AcquireReply> =>
  on.ask(owner, { queue: true, ...more });

const renewed = (owner: string, leaseMs: number): Promise<boolean> =>
  on.renewed(reader(owner), leaseMs);

/** Ends a place as the server sees it, not as the spec waits. */
const forget = (place: string): Promise<unknown> =>
  on.direct.execute('hset', (client) => client.hset(`${on.lockKey}:places`, place, 1));

/** Who is told what, by a second connection. */
async function listen(
  process: string,
): Promise<{ heard: string[]; until(count: number): Promise<void>; stop(): Promise<void> }> {
  const heard: string[] = [];
  let arrived = (): void => {};
  const note = (what: string) => (owner: string) => {
    heard.push(`${what} ${owner}`);
    arrived();
  };
  const watching = new RedisLockStore(on.direct);
  await watching.watch(process, { turn: note('turn'), revoked: note('revoked'), resync: () => {} });
  return {
    heard,
    until: async (count) => {
      while (heard.length < count) await new Promise<void>((resolve) => (arrived = resolve));
    },
    stop: () => watching.unwatch(),
  };
}

describe('the queue of readers and writers', () => {
  it('waits behind a writer that waits (mutation: readers look at the holder only)', async () => {
    await read('p:1');
    await write('w:1');
    expect(await got(read('q:1'))).toBe(false);
    await on.store.release(reader('p:1'), within);
    expect(await got(read('q:1'))).toBe(false);
    expect(await got(write('w:1'))).toBe(true);
  });

  it('passes a writer that is dead', async () => {
    await read('p:1');
    await write('w:1');
    await forget('w:1');
    expect(await got(read('q:1'))).toBe(true);
  });

  it('has its turn after a writer, with all readers then waiting (mutation: order of arrival)', async () => {
    await write('w:1');
    for (const owner of ['p:1', 'p:2']) await read(owner);
    await write('w:2');
    await read('q:1');
    await write('w:3');
    await on.store.release(writer('w:1'), within);
    expect(await got(read('late:1'))).toBe(false);
    expect(await got(write('w:2'))).toBe(false);
    for (const owner of ['q:1', 'p:2', 'p:1']) expect(await got(read(owner))).toBe(true);
    for (const owner of ['q:1', 'p:2', 'p:1']) await on.store.release(reader(owner), within);
    expect(await got(read('late:1'))).toBe(false);
    expect(await got(write('w:3'))).toBe(false);
    expect(await got(write('w:2'))).toBe(true);
    // The next phase is again the readers'.
    await on.store.release(writer('w:2'), within);
    expect(await got(write('w:3'))).toBe(false);
    expect(await got(read('late:1'))).toBe(true);
  });

  it('has its turn after a writer that hands over to the next of its process', async () => {
    await write('w:1');
    await read('p:1');
    expect(await write('w:2', { frees: 'w:1' })).toMatchObject({
      acquired: false,
      freed: 'deleted',
    });
    expect(await got(read('p:1'))).toBe(true);
  });

  it('wakes all readers of its phase, and no later one', async () => {
    const p = await listen('p');
    await write('w:1');
    for (const owner of ['p:1', 'p:2']) await read(owner);
    await write('w:2');
    await on.store.release(writer('w:1'), within);
    await p.until(2);
    expect(p.heard).toEqual(['turn p:1', 'turn p:2']);
    await p.stop();
  });

  it('wakes readers behind a writer that gives up', async () => {
    const q = await listen('q');
    await read('p:1');
    await write('w:1');
    await read('q:1');
    await on.store.release(writer('w:1'), within);
    await q.until(1);
    expect(await got(read('q:1'))).toBe(true);
    await q.stop();
  });

  it('keeps the places of other readers of its process', async () => {
    await write('w:1');
    for (const owner of ['p:1', 'p:2']) await read(owner);
    await forget('p:2/shared');
    await read('p:1', { siblings: ['p:2'] });
    const kept = await on.direct.execute('hget', (c) =>
      c.hget(`${on.lockKey}:places`, 'p:2/shared'),
    );
    expect(Number(kept)).toBeGreaterThan(1);
  });

  it('wakes the writer that waits, when the last one leaves', async () => {
    const w = await listen('w');
    for (const owner of ['p:1', 'q:1']) await read(owner);
    await write('w:1');
    for (const owner of ['p:1', 'q:1']) await on.store.release(reader(owner), within);
    await w.until(1);
    expect(await got(write('w:1'))).toBe(true);
    expect(w.heard).toEqual(['turn w:1']);
    await w.stop();
  });
});

describe('query and revoke', () => {
  it('see all readers as one, and take the lock away from them all, not from the next', async () => {
    const p = await listen('p');
    const fencingToken = await tokenOf(read('p:1'));
    await read('p:2');
    const state = await on.store.query('k', within);
    expect(state).toMatchObject({ fencingToken, waiters: 0 });
    const claim = writer(state!.owner);
    expect(await on.store.revoke(claim, within)).toBe('deleted');
    await p.until(2);
    expect(p.heard.sort()).toEqual(['revoked p:1', 'revoked p:2']);
    expect(await renewed('p:1', LEASE_MS)).toBe(false);
    await read('q:1');
    expect(await on.store.revoke(claim, within)).toBe('absent');
    expect(await renewed('q:1', LEASE_MS)).toBe(true);
    await p.stop();
  });
});
