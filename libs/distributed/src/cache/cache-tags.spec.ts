/** Tags: what they end, when, at which price, and what a lost tag does. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { CacheCluster, type GatedNode } from '../../../../test/support/cache-cluster.fixture.js';

describe('tags', () => {
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

  const tags = ['user:1', 'org:{7}'];
  const get = (on: GatedNode, key = 'k', cache = 'c'): Promise<string> =>
    on.service.getOrSet(cache, key, () => cluster.row, { tags });
  const commands = ({ gates }: GatedNode): number =>
    Object.values(gates.calls).reduce((sum, count) => sum + count, 0);

  it('end every entry that carries one of them, in every cache, on every node', async () => {
    for (const on of [a, b]) await Promise.all([get(on), get(on, 'k2'), get(on, 'k', 'd')]);
    await a.service.getOrSet('c', 'other', () => 'kept', { tags: ['user:2'] });
    cluster.row = 'new';
    await a.service.invalidateTags(['org:{7}']);
    await cluster.caughtUp(b);
    for (const on of [a, b]) {
      expect(await get(on)).toBe('new');
      expect(await get(on, 'k2')).toBe('new');
      expect(await get(on, 'k', 'd')).toBe('new');
      expect(await on.service.get('c', 'other')).toEqual({ value: 'kept' });
    }
  });

  it('cost nothing at a hit in memory (catches: asking for versions per hit)', async () => {
    await get(a);
    const before = commands(a);
    for (let call = 0; call < 10; call++) await get(a);
    expect(commands(a)).toBe(before);
  });

  it('are asked for in one go, and only when unknown', async () => {
    for (let id = 0; id < 5; id++) await get(a, `k${id}`);
    expect(a.gates.calls.bindTags).toBe(1);
    for (let id = 0; id < 5; id++) await get(b, `k${id}`);
    expect(b.gates.calls.tags).toBe(1);
  });

  it('are honoured by every verb that reads (catches: has and get that look at the key alone)', async () => {
    for (const on of [a, b]) await get(on);
    await a.service.invalidateTags(tags);
    await cluster.caughtUp(b);
    for (const { service } of [a, b]) {
      expect(await service.get('c', 'k')).toBeUndefined();
      expect(await service.has('c', 'k')).toBe(false);
      expect(await service.ttl('c', 'k')).toBeUndefined();
    }
  });

  it('invalidated while a load runs, it is not stored (catches: stamping after the factory)', async () => {
    const load = cluster.slowGet(a, undefined, { tags });
    await load.loading;
    cluster.row = 'new';
    await b.service.invalidateTags(['user:1']);
    load.finish();
    expect(await load.value).toBe('old');
    expect(await cluster.answers()).toEqual(new Set(['new']));
    expect(a.service.stats()['c']?.rejected).toBe(1);
  });

  it('invalidated while a load runs, later callers do not join it (catches: fencing keys only)', async () => {
    const load = cluster.slowGet(a, undefined, { tags });
    await load.loading;
    cluster.row = 'new';
    await a.service.invalidateTags(['user:1']);
    const later = get(a);
    await a.gates.seen('read', 2);
    load.finish();
    expect(await later).toBe('new');
    expect(await load.value).toBe('old');
  });

  it('invalidated between binding and storing, the stored value does not count (catches: a check without a version)', async () => {
    await get(b, 'warm');
    const gate = a.gates.hold('fill');
    const value = get(a);
    await gate.arrived;
    cluster.row = 'new';
    await b.service.invalidateTags(['user:1']);
    gate.open();
    expect(await value).toBe('old');
    for (const on of [a, b, a, b]) expect(await get(on)).toBe('new');
  });

  it('whose message comes while a read is on its way, the read does not stay in memory', async () => {
    await get(a);
    const gate = b.gates.hold('tags', 'after');
    const value = get(b);
    await gate.arrived;
    cluster.row = 'new';
    await a.service.invalidateTags(['user:1']);
    await cluster.caughtUp(b);
    gate.open();
    await value;
    expect(await get(b)).toBe('new');
  });

  describe('that Redis has lost', () => {
    it('end their entries (catches: missing means never invalidated)', async () => {
      await get(a);
      await a.connection.client.del('distributed:cache:{suser:1}:tag');
      cluster.row = 'new';
      expect(await get(b)).toBe('new');
      expect(await get(await cluster.node())).toBe('new');
    });

    it('do not come back with an old version after the clock was lost too', async () => {
      await get(a);
      cluster.row = 'new';
      await a.service.invalidateTags(['user:1']);
      const lost = await a.connection.client.keys('distributed:cache:*{suser:1}:tag');
      await a.connection.client.del(...lost, 'distributed:cache:clock');
      await cluster.caughtUp(b);
      for (const on of [a, b]) expect(await get(on)).toBe('new');
      cluster.row = 'newest';
      await b.service.invalidateTags(['user:1']);
      await cluster.caughtUp(a);
      for (const on of [a, b]) expect(await get(on)).toBe('newest');
    });

    it('with everything else (FLUSHALL): values in memory stay evictable', async () => {
      for (const on of [a, b]) await get(on);
      await a.connection.client.flushall();
      cluster.row = 'new';
      await a.service.invalidateTags(['user:1']);
      await cluster.caughtUp(b);
      for (const on of [a, b]) expect(await get(on)).toBe('new');
    });
  });

  describe('an invalidation that Redis does not confirm', () => {
    it('rejects; nothing that carries the tag is served or kept here until it is confirmed', async () => {
      for (const on of [a, b]) await get(on);
      cluster.row = 'new';
      a.gates.refuse('invalidateTag');
      await expect(a.service.invalidateTags(['user:1'])).rejects.toMatchObject({
        code: 'E_CACHE_INVALIDATION',
      });
      const retry = a.gates.hold('invalidateTag');
      expect(a.service.health().pendingInvalidations).toBe(1);
      expect(await get(a)).toBe('new');
      cluster.row = 'newer';
      expect(await get(a)).toBe('newer');
      await retry.arrived;
      retry.open();
      while (a.service.health().pendingInvalidations > 0)
        await new Promise((resolve) => setImmediate(resolve));
      await cluster.caughtUp(b);
      cluster.row = 'newest';
      for (const on of [a, b]) expect(await get(on)).toBe('newest');
    });
  });

  it('work in memory alone', async () => {
    const alone = { caches: { m: { levels: 'l1' } } } as const;
    const [c, d] = await Promise.all([cluster.node(alone), cluster.node(alone)]);
    for (const on of [c, d]) await get(on, 'k', 'm');
    const load = d.service.getOrSet(
      'm',
      'late',
      async () => {
        await c.service.invalidateTags(['user:1']);
        await cluster.caughtUp(d);
        return 'old';
      },
      { tags },
    );
    expect(await load).toBe('old');
    cluster.row = 'new';
    for (const on of [c, d]) expect(await get(on, 'k', 'm')).toBe('new');
    expect(await get(d, 'late', 'm')).toBe('new');
  });

  it('leave as many keys in Redis as there are entries and distinct tags', async () => {
    for (let id = 0; id < 50; id++)
      await a.service.getOrSet('c', id, () => id, { tags: [`even:${id % 2}`, 'all'] });
    const keys = await a.connection.client.keys('distributed:cache:*');
    expect(keys.filter((key) => key.endsWith(':tag'))).toHaveLength(3);
    expect(keys.filter((key) => key.endsWith('}'))).toHaveLength(50);
    expect(keys).toHaveLength(55);
    expect(a.tags.size).toBe(3);
  });
});
