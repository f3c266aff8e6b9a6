/** What the fields of a cache's definition do to those who use it. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { CacheCluster } from '../../../../test/support/cache-cluster.fixture.js';
import type { CacheDefinitionOptions } from './cache-definition.options.js';

describe('a cache', () => {
  let cluster: CacheCluster;

  beforeAll(async () => {
    cluster = await CacheCluster.start();
  });
  afterAll(() => cluster.stop());
  afterEach(() => cluster.reset());

  const nodes = (definition: CacheDefinitionOptions) =>
    Promise.all([1, 2].map(() => cluster.node({ caches: { c: definition } })));

  it('with a scope keeps the values of tenants apart, evictions too (catches: a scope that only reads know)', async () => {
    let tenant = 'red';
    const [a] = await nodes({ scope: [() => tenant] });
    const get = () => a!.service.getOrSet('c', 1, () => `${tenant} value`);
    expect(await get()).toBe('red value');
    tenant = 'blue';
    expect(await get()).toBe('blue value');
    await a!.service.delete('c', 1);
    expect(await a!.service.get('c', 1)).toBeUndefined();
    tenant = 'red';
    expect(await a!.service.get('c', 1)).toEqual({ value: 'red value' });
    tenant = '';
    await expect(get()).rejects.toMatchObject({ code: 'E_CACHE_KEY' });
  });

  it.each(['freeze', 'clone', 'share'] as const)('with isolation %s', async (isolation) => {
    const [a, b] = await nodes({ l1: { isolation } });
    const load = () => ({ list: [1], at: new Date(0) });
    const get = (on = a!) => on.service.getOrSet('c', 'k', load);
    const [first, second] = await Promise.all([get(), get()]);
    const third = await get();
    const fourth = await get(b);
    for (const value of [first, second, third, fourth]) {
      expect(value).toEqual(load());
      expect(Object.isFrozen(value)).toBe(isolation === 'freeze');
    }
    expect(first === second).toBe(isolation !== 'clone');
    expect(first === third).toBe(isolation !== 'clone');
    if (isolation === 'clone') {
      first.list.push(2);
      first.at.setFullYear(1999);
      for (const value of [second, third, await get()]) expect(value).toEqual(load());
    }
  });

  it('with strong consistency is confirmed by Redis at each read, without moving the value (catches: trusting the bus)', async () => {
    const [a, b] = await nodes({ consistency: 'strong' });
    await cluster.get(b!);
    for (let call = 0; call < 2; call++) expect(await cluster.get(b!)).toBe('old');
    expect(b!.gates.calls).toMatchObject({ head: 2, read: 1 });
    // No message tells of it: only asking helps.
    await a!.connection.client.del('distributed:cache:{c:sk}');
    cluster.row = 'new';
    expect(await cluster.get(b!)).toBe('new');
  });

  it('with singleFlight process does not wait for others, and stores nothing then', async () => {
    const [a, b] = await nodes({ singleFlight: 'process' });
    const load = cluster.slowGet(a!);
    await load.loading;
    cluster.row = 'new';
    expect(await cluster.get(b!)).toBe('new');
    expect(b!.service.stats()['c']).toMatchObject({ stored: 0 });
    load.finish();
    await load.value;
  });

  it('with singleFlight false lets every caller load', async () => {
    const [a] = await nodes({ singleFlight: false });
    let loads = 0;
    const load = async () => {
      loads++;
      await new Promise((resolve) => setTimeout(resolve, 20));
      return 1;
    };
    await Promise.all([1, 2, 3].map(() => a!.service.getOrSet('c', 'k', load)));
    expect(loads).toBe(3);
    expect(await a!.service.getOrSet('c', 'k', load)).toBe(1);
    expect(loads).toBe(3);
  });

  it('refreshes on demand, whatever is cached', async () => {
    const [a, b] = await nodes({});
    for (const on of [a!, b!]) await cluster.get(on);
    cluster.row = 'new';
    expect(await a!.service.refresh('c', 'k', () => cluster.row)).toBe('new');
    expect(await cluster.get(a!)).toBe('new');
    expect(await (await cluster.node()).service.get('c', 'k')).toEqual({ value: 'new' });
  });

  it('in the codec json is readable with redis-cli; both codecs are read side by side', async () => {
    const json = await cluster.node({ codec: 'json' });
    const packed = await cluster.node();
    await json.service.getOrSet('c', 1, () => ({ name: 'ada' }));
    expect(await json.connection.client.get('distributed:cache:{c:n1}')).toMatch(
      /\{"name":"ada"\}$/,
    );
    expect(await packed.service.get('c', 1)).toEqual({ value: { name: 'ada' } });
  });

  it('compresses what is large', async () => {
    const [a, b] = await nodes({});
    const rows = Array.from({ length: 2_000 }, (_unused, id) => ({ id, name: `user ${id}` }));
    await a!.service.getOrSet('c', 1, () => rows);
    expect(await a!.connection.client.strlen('distributed:cache:{c:n1}')).toBeLessThan(16_384);
    expect(await b!.service.get('c', 1)).toEqual({ value: rows });
  });

  it('does not serve a record that lies under another key (catches: trusting the name)', async () => {
    const [a, b] = await nodes({});
    await a!.service.getOrSet('c', 1, () => 'of one');
    await a!.connection.client.copy('distributed:cache:{c:n1}', 'distributed:cache:{c:n2}');
    expect(await b!.service.getOrSet('c', 2, () => 'of two')).toBe('of two');
  });
});
