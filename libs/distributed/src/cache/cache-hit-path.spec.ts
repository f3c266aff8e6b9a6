/** The short way to a hit in memory obeys everything the long one does. */
import { Injectable } from '@nestjs/common';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
  jest,
} from '@jest/globals';
import { CacheApplications } from '../../../../test/support/cache-application.fixture.js';
import { RedisConnection } from '../redis/index.js';
import { Clock } from '../time/index.js';
import {
  CACHE_CHANNELS,
  Cached,
  CacheEvict,
  type CacheOptions,
  CachePut,
  CacheService,
} from './index.js';

/** Deadlines that a busy machine keeps: every call is to be answered by the cache. */
const PATIENT: CacheOptions = {
  ttl: '1m',
  l2: { readDeadline: '20s', writeDeadline: '20s' },
  bus: { timeout: '20s' },
};

const gate = { open: true };

@Injectable()
class Users {
  loads: unknown[] = [];

  @Cached({ name: 'byId' })
  async byId(id: unknown, _hint?: unknown): Promise<{ id: string }> {
    this.loads.push(id);
    return { id: `${typeof id} ${String(id)} ${this.loads.length}` };
  }

  @Cached({ name: 'byKey', key: (user: { id: unknown }) => user.id as string })
  async byKey(user: { id: unknown }): Promise<number> {
    return this.loads.push(user.id);
  }

  @Cached({ name: 'byCondition', condition: () => gate.open })
  async byCondition(id: number): Promise<number> {
    return this.loads.push(id);
  }

  @Cached({ name: 'nothing' })
  async nothing(id: number): Promise<undefined> {
    this.loads.push(id);
  }

  @CacheEvict({ name: 'byId', key: (id: unknown) => id as string })
  async forget(_id: unknown): Promise<void> {}

  @CachePut({ name: 'byId', key: (id: unknown) => id as string })
  async put(id: unknown): Promise<{ id: string }> {
    return { id: `put ${String(id)}` };
  }
}

describe('a hit in memory', () => {
  let applications: CacheApplications;
  let users: Users;
  let cache: CacheService;
  let clock: Clock;
  let commands: () => Promise<number>;

  beforeAll(async () => {
    applications = await CacheApplications.start();
  });
  afterAll(() => applications.stop());
  beforeEach(async () => {
    const app = await applications.boot({ providers: [Users] }, PATIENT);
    users = app.get(Users);
    cache = app.get(CacheService, { strict: false });
    clock = app.get(Clock, { strict: false });
    const { client } = app.get(RedisConnection, { strict: false });
    commands = async () => {
      const stats = await client.info('commandstats');
      return [
        ...stats.matchAll(/^cmdstat_(?:get|mget|getrange|set|eval|evalsha|unlink):calls=(\d+)/gm),
      ].reduce((sum, [, calls]) => sum + Number(calls), 0);
    };
  });
  afterEach(() => applications.reset());

  it('costs no Redis command, and is counted', async () => {
    await users.byId(1);
    const before = await commands();
    for (let call = 0; call < 100; call++) await users.byId(1);
    expect(await commands()).toBe(before);
    expect(cache.stats()['byId']).toMatchObject({ l1Hits: 100, loads: 1 });
  });

  it('reads the clock once: lifetime and bus are judged by the same instant', async () => {
    await users.byId(1);
    const now = jest.spyOn(clock, 'now');
    for (let call = 0; call < 100; call++) void users.byId(1);
    expect(now).toHaveBeenCalledTimes(100);
    now.mockRestore();
  });

  it('tells apart what looks alike: 1, "1", 1n, true, "true", -0, 0, NaN, null, [1] (catches keys without types)', async () => {
    const ids = [1, '1', 1n, true, 'true', -0, 0, Number.NaN, 'NaN', null, [1], '[n1]', 's1', ''];
    const first: unknown[] = [];
    for (const id of ids) first.push(await users.byId(id));
    expect(users.loads).toEqual(ids);
    const second: unknown[] = [];
    for (const id of ids) second.push(await users.byId(id));
    expect(users.loads).toHaveLength(ids.length);
    second.forEach((value, index) => expect(value).toBe(first[index]));
  });

  it('with a trailing undefined is the same entry; with a second argument it is another', async () => {
    const value = await users.byId('a');
    expect(await users.byId('a', undefined)).toBe(value);
    expect(await users.byId('a', 'b')).not.toBe(value);
    expect(await users.byId('a')).toBe(value);
  });

  it('ends with an eviction, a put, a delete and a clear (catches a table beside the first level)', async () => {
    for (const id of [7, 'seven', 'with space', 'x'.repeat(400)]) {
      const first = await users.byId(id);
      expect(await users.byId(id)).toBe(first);
      await users.forget(id);
      const second = await users.byId(id);
      expect(second).not.toEqual(first);
      await users.put(id);
      expect(await users.byId(id)).toEqual({ id: `put ${id}` });
      await cache.delete('byId', id);
      const third = await users.byId(id);
      expect(third).not.toEqual(second);
      await cache.clear('byId');
      expect(await users.byId(id)).not.toEqual(third);
    }
  });

  it('by a key function: the key counts, and what identifies nothing is refused on a warm cache too', async () => {
    const value = await users.byKey({ id: 5 });
    expect(await users.byKey({ id: 5 })).toBe(value);
    expect(await users.byKey({ id: '5' })).not.toBe(value);
    for (const id of ['', Number.NaN, undefined, null])
      await expect(users.byKey({ id })).rejects.toMatchObject({ code: 'E_CACHE_KEY' });
  });

  it('asks the condition at every call', async () => {
    expect([await users.byCondition(1), await users.byCondition(1)]).toEqual([1, 1]);
    gate.open = false;
    expect([await users.byCondition(1), await users.byCondition(1)]).toEqual([2, 3]);
    gate.open = true;
    expect(await users.byCondition(1)).toBe(1);
  });

  it('through CacheService: a key that identifies nothing is refused, whatever the method has cached', async () => {
    for (const id of ['', Number.NaN]) {
      await users.byId(id);
      await expect(cache.getOrSet('byId', id, () => 1)).rejects.toMatchObject({
        code: 'E_CACHE_KEY',
      });
      await expect(cache.get('byId', id)).rejects.toMatchObject({ code: 'E_CACHE_KEY' });
    }
  });

  it('holds undefined as a value', async () => {
    await users.nothing(1);
    expect(await users.nothing(1)).toBeUndefined();
    expect(users.loads).toEqual([1]);
  });

  it('is told to subscribers', async () => {
    const told: unknown[] = [];
    const listen = (message: unknown): void => void told.push(message);
    subscribe(CACHE_CHANNELS.hit, listen);
    try {
      await users.byId(3);
      await users.byId(3);
    } finally {
      unsubscribe(CACHE_CHANNELS.hit, listen);
    }
    expect(told).toEqual([{ cache: 'byId', level: 'l1' }]);
  });
});
