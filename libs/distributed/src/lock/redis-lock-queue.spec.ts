/** Waiters in Redis: who is next, who is told, and what becomes of the dead. */
import { describe, expect, it } from '@jest/globals';
import {
  LEASE_MS,
  tokenOf,
  useRedisStore,
  within,
} from '../../../../test/support/redis-store.fixture.js';
import type { AcquireCommand } from './lock.store.js';
import { RedisLockStore } from './redis-lock.store.js';

const on = useRedisStore();

const acquired = (owner: string, leaseMs = LEASE_MS, fences = 1): Promise<number> =>
  tokenOf(on.ask(owner, { leaseMs, fences }));

/** Messages to one process, each to be awaited. */
class Inbox {
  readonly #messages: string[] = [];
  #arrived: (() => void) | undefined;

  readonly turn = (owner: string): void => this.#take(`turn ${owner}`);
  readonly revoked = (owner: string): void => this.#take(`revoked ${owner}`);
  #resynced: (() => void) | undefined;
  readonly nextResync = (): Promise<void> => new Promise((resolve) => (this.#resynced = resolve));
  readonly resync = (): void => this.#resynced?.();

  async next(): Promise<string> {
    if (this.#messages.length === 0)
      await new Promise<void>((resolve) => (this.#arrived = resolve));
    return this.#messages.shift() as string;
  }

  #take(message: string): void {
    this.#messages.push(message);
    this.#arrived?.();
  }
}

describe('the queue', () => {
  const wait = (owner: string, more: Partial<AcquireCommand> = {}) =>
    on.ask(owner, { queue: true, ...more });

  it('serves in order of arrival, whoever asks (mutation: no look at the queue)', async () => {
    await acquired('p:1');
    for (const owner of ['q:1', 'r:1', 'q:2']) expect((await wait(owner)).acquired).toBe(false);
    expect(await on.store.query('k', within)).toMatchObject({ waiters: 3 });
    await on.store.release({ key: 'k', owner: 'p:1' }, within);
    for (const owner of ['q:2', 'r:1', 'late:1'])
      expect((await on.ask(owner)).acquired).toBe(false);
    for (const owner of ['q:1', 'r:1', 'q:2']) {
      expect((await wait(owner)).acquired).toBe(true);
      await on.store.release({ key: 'k', owner }, within);
    }
    expect((await on.ask('late:1')).acquired).toBe(true);
    expect(await on.direct.execute('keys', (client) => client.keys('*'))).toHaveLength(2);
  });

  it('wakes the process of its head, and nobody else (mutation: a broadcast)', async () => {
    const [q, r] = [new Inbox(), new Inbox()];
    const [one, other] = [new RedisLockStore(on.direct), new RedisLockStore(on.direct)];
    await one.watch('q', q);
    await other.watch('r', r);
    await acquired('p:1');
    await wait('r:7');
    await wait('q:8');
    await on.store.release({ key: 'k', owner: 'p:1' }, within);
    expect(await r.next()).toBe('turn r:7');
    await wait('r:7');
    await on.store.release({ key: 'k', owner: 'r:7' }, within);
    // The first message q gets at all.
    expect(await q.next()).toBe('turn q:8');
    await Promise.all([one.unwatch(), other.unwatch()]);
  });

  it('drops all the dead in front at once, and tells when to look (mutation: wait for each)', async () => {
    await acquired('p:1');
    for (let n = 0; n < 50; n++) await wait(`dead:${n}`);
    await wait('live:1');
    await on.store.release({ key: 'k', owner: 'p:1' }, within);
    const reply = await wait('live:1');
    expect(reply).toEqual({ acquired: false, retryMs: expect.any(Number) });
    expect((reply as { retryMs: number }).retryMs).toBeLessThanOrEqual(3_000);
    // Their time is over: as the server sees it, not as the spec waits.
    const dead = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`dead:${n}`, '1']));
    await on.direct.execute('hset', (client) => client.hset(`${on.lockKey}:places`, dead));
    expect((await wait('live:1')).acquired).toBe(true);
  });

  it('keeps the places of a whole process alive with one command', async () => {
    await acquired('p:1');
    await wait('q:1');
    await wait('q:2');
    const before = await on.direct.execute('hget', (c) => c.hget(`${on.lockKey}:places`, 'q:2'));
    await on.direct.execute('hset', (c) =>
      c.hset(`${on.lockKey}:places`, 'q:2', Number(before) - 900),
    );
    await wait('q:1', { siblings: ['q:2', 'q:3'] });
    const after = await on.direct.execute('hgetall', (c) => c.hgetall(`${on.lockKey}:places`));
    expect(Number(after['q:2'])).toBeGreaterThanOrEqual(Number(before));
    expect(Object.keys(after).sort()).toEqual(['q:1', 'q:2']);
  });

  it('tells the head again when somebody asks for a free lock (mutation: one message)', async () => {
    const inbox = new Inbox();
    const watching = new RedisLockStore(on.direct);
    await acquired('p:1');
    await wait('q:1');
    // Nobody listens yet: the message is lost.
    await on.store.release({ key: 'k', owner: 'p:1' }, within);
    await watching.watch('q', inbox);
    expect((await wait('r:1')).acquired).toBe(false);
    expect(await inbox.next()).toBe('turn q:1');
    await watching.unwatch();
  });

  it('lets a waiter leave, and wakes the next one when he was called already', async () => {
    const inbox = new Inbox();
    const watching = new RedisLockStore(on.direct);
    await watching.watch('r', inbox);
    await acquired('p:1');
    await wait('q:1');
    await wait('r:1');
    await on.store.release({ key: 'k', owner: 'p:1' }, within);
    expect(await on.store.release({ key: 'k', owner: 'q:1' }, within)).toBe('absent');
    expect(await inbox.next()).toBe('turn r:1');
    await watching.unwatch();
  });
});

describe('a hand-over', () => {
  it('keeps the lock when nobody else waits: one command', async () => {
    const first = await acquired('p:1');
    const reply = await on.ask('p:2', { queue: true, frees: 'p:1' });
    expect(reply).toEqual({ acquired: true, fencingToken: expect.any(Number), freed: 'deleted' });
    expect((reply as { fencingToken: number }).fencingToken).toBeGreaterThan(first);
    expect(await on.store.query('k', within)).toMatchObject({ owner: 'p:2' });
  });

  it('goes to the end of the queue when others wait', async () => {
    await acquired('p:1');
    await on.ask('q:1', { queue: true });
    const reply = await on.ask('p:2', { queue: true, frees: 'p:1' });
    expect(reply).toMatchObject({ acquired: false, freed: 'deleted' });
    expect((await on.ask('p:2')).acquired).toBe(false);
    expect((await on.ask('q:1')).acquired).toBe(true);
  });

  it('reports a lock that was lost before', async () => {
    await acquired('x:1');
    const reply = await on.ask('p:2', { queue: true, frees: 'p:1' });
    expect(reply).toMatchObject({ acquired: false, freed: 'absent' });
  });

  it('executed twice is one (mutation: free blindly)', async () => {
    await acquired('p:1');
    on.proxy.dropNextReply({ to: 'evalsha' });
    const reply = await on.ask('p:2', { queue: true, frees: 'p:1' });
    expect(reply).toMatchObject({ acquired: true, freed: 'unsure' });
    expect(await on.store.query('k', within)).toMatchObject({ owner: 'p:2' });
  });
});

describe('revoke', () => {
  it('takes the lock away, tells the owner, and wakes the next', async () => {
    const inbox = new Inbox();
    const watching = new RedisLockStore(on.direct);
    await watching.watch('p', inbox);
    await acquired('p:1');
    await on.ask('p:2', { queue: true });
    expect(await on.store.revoke({ key: 'k', owner: 'p:1' }, within)).toBe('deleted');
    expect([await inbox.next(), await inbox.next()]).toEqual(['revoked p:1', 'turn p:2']);
    expect(await on.store.revoke({ key: 'k', owner: 'p:1' }, within)).toBe('absent');
    await watching.unwatch();
  });
});

describe('watch, when the subscriber was away', () => {
  it('says that reports may have been missed (mutation: resume silently)', async () => {
    const inbox = new Inbox();
    const observed = new RedisLockStore(on.redis);
    await observed.watch('q', inbox);
    const resynced = inbox.nextResync();
    on.proxy.resetAll();
    await resynced;
    expect(on.redis.subscriberUp).toBe(true);
    await observed.unwatch();
    // The connection for commands is back too before the next test.
    await on.store.query('k', within);
  });
});
