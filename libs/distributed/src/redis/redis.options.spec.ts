import { describe, expect, it } from '@jest/globals';
import { Cluster, Redis } from 'ioredis';
import { isRedisClient, parseRedisOptions } from './redis.options.js';

describe('parseRedisOptions', () => {
  it('fills in the defaults, in milliseconds', () => {
    expect(parseRedisOptions({ url: 'redis://localhost:6379' })).toEqual({
      kind: 'url',
      url: 'redis://localhost:6379',
      clientOptions: {},
      keyPrefix: 'distributed',
      commandTimeout: 2_000,
      connectTimeout: 3_000,
      bootTimeout: 10_000,
      offlineTimeout: 250,
      maxPending: 10_000,
      heartbeatInterval: 5_000,
      heartbeatTimeout: 2_000,
    });
  });

  it('knows clients without instanceof, and functions that make them', () => {
    const client = new Redis({ lazyConnect: true });
    const cluster = new Cluster([{ host: 'localhost', port: 1 }], { lazyConnect: true });
    for (const value of [client, cluster, () => client, { client, keyPrefix: 'shop' }])
      expect(parseRedisOptions(value).kind).toBe('client');
    expect([isRedisClient(client), isRedisClient(cluster), isRedisClient({ url: '' })]).toEqual([
      true,
      true,
      false,
    ]);
  });

  it.each([
    [undefined, 'redis: expected one of { url'],
    [{}, 'redis: expected one of { url'],
    [
      { url: undefined },
      "redis.url: expected an address such as 'redis://localhost:6379', received undefined",
    ],
    [{ url: 'localhost:6379' }, "redis.url: expected an address such as 'redis://localhost:6379'"],
    [{ url: 'redis://a', commandTimeout: 'soon' }, 'redis.commandTimeout: expected a duration'],
    [
      { url: 'redis://a', keyPrefix: 'a{b}' },
      "redis.keyPrefix: expected a non-empty text without '{' and '}'",
    ],
    [{ url: 'redis://a', tiemout: 1 }, "redis.tiemout: unknown option 'tiemout'"],
    [{ sentinels: [], name: 'm' }, 'redis.sentinels: expected at least one Sentinel'],
    [{ sentinels: [{ host: 'a', port: 1 }] }, 'redis.name: '],
    [{ cluster: [] }, 'redis.cluster: expected at least one node'],
    [{ client: 7 }, 'redis.client: expected a client of ioredis'],
  ])('refuses %j', (value, message) => {
    expect(() => parseRedisOptions(value)).toThrow(message);
  });
});
