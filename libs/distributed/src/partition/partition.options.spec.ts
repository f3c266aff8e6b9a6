/** Options: what is refused at boot, and with which words. */
import { describe, expect, it } from '@jest/globals';
import { parsePartitionOptions } from './partition.options.js';

class Order {}
const url = 'postgres://localhost/db';
const dataSource = {
  isInitialized: false,
  options: { type: 'postgres' },
  manager: {},
  initialize: async () => undefined,
  destroy: async () => undefined,
  query: async () => [],
};
const shards = [{ id: 's1', url }];

describe('parsePartitionOptions', () => {
  it('fills in the defaults', () => {
    const settings = parsePartitionOptions({
      shards: [
        { id: 's1', url },
        { id: 's2', dataSource },
      ],
      entities: [Order],
    });
    expect(settings).toMatchObject({
      shards: [
        { id: 's1', url, pool: 5 },
        { id: 's2', dataSource },
      ],
      connectTimeoutMs: 2_000,
      poolTimeoutMs: 10_000,
      queryTimeoutMs: 30_000,
      retryAfterMs: 1_000,
    });
    expect(settings.map.rangesOf('s2')).toEqual([[8192, 16_383]]);
  });

  it('takes an explicit map', () => {
    const settings = parsePartitionOptions({
      shards,
      entities: [Order],
      map: [{ shard: 's1', slots: [[0, 16_383]] }],
    });
    expect(settings.map.rangesOf('s1')).toEqual([[0, 16_383]]);
  });

  it.each([
    ['no shards', { shards: [] }, /partition\.shards: expected at least one/],
    [
      'an undefined url',
      { shards: [{ id: 's1', url: undefined }], entities: [Order] },
      /shards\.0/,
    ],
    ['an empty url', { shards: [{ id: 's1', url: '' }], entities: [Order] }, /shards\.0\.url/],
    ['url and dataSource', { shards: [{ id: 's1', url, dataSource }] }, /either url or dataSource/],
    ['a pool for a given dataSource', { shards: [{ id: 's1', dataSource, pool: 2 }] }, /0\.pool/],
    ['a pool of zero', { shards: [{ id: 's1', url, pool: 0 }], entities: [Order] }, /0\.pool/],
    ['no DataSource at all', { shards: [{ id: 's1', dataSource: {} }] }, /a TypeORM DataSource/],
    [
      'another kind of database',
      { shards: [{ id: 's1', dataSource: { ...dataSource, options: { type: 'mysql' } } }] },
      /of type postgres/,
    ],
    ['two shards of one name', { shards: [...shards, ...shards], entities: [Order] }, /1\.id: two/],
    ['urls without entities', { shards }, /partition\.entities: expected at least one entity/],
    ['an entity that is no class', { shards, entities: ['Order'] }, /entities\.0/],
    ['an incomplete map', { shards, entities: [Order], map: [] }, /map: slot 0 has no shard/],
    ['a bad duration', { shards, entities: [Order], retryAfter: 'soon' }, /retryAfter/],
    ['an option of later', { shards, entities: [Order], slots: 1024 }, /unknown option 'slots'/],
    ['nothing', undefined, /partition/],
  ])('refuses %s', (_name, options, message) => {
    expect(() => parsePartitionOptions(options)).toThrow(message);
    expect(() => parsePartitionOptions(options)).toThrow(
      expect.objectContaining({ code: 'E_OPTIONS_INVALID' }),
    );
  });
});
