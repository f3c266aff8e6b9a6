import { describe, expect, it } from '@jest/globals';
import * as v from 'valibot';
import { durationSchema, validateOptions } from './distributed.validation.js';

const schema = v.strictObject({
  ttl: v.optional(durationSchema, '1m'),
  shards: v.optional(v.array(v.strictObject({ id: v.string() })), []),
});
const check = (value: unknown) =>
  validateOptions(schema, value, 'DistributedModule.forRoot().cache');

describe('validateOptions', () => {
  it('fills in defaults and turns durations into milliseconds', () => {
    expect(check({})).toEqual({ ttl: 60_000, shards: [] });
    expect(check({ ttl: '250ms' }).ttl).toBe(250);
  });

  it.each([
    [{ ttl: '5x' }, "DistributedModule.forRoot().cache.ttl: expected a duration such as '250ms'"],
    [{ ttl: -1 }, 'DistributedModule.forRoot().cache.ttl: expected a duration'],
    [{ tll: '5s' }, "DistributedModule.forRoot().cache.tll: unknown option 'tll'"],
    [{ shards: [{ id: 's1' }, { id: 2 }] }, 'DistributedModule.forRoot().cache.shards.1.id: '],
    ['redis', 'DistributedModule.forRoot().cache: '],
  ])('%j fails with the path of the field', (value, message) => {
    expect(() => check(value)).toThrow(
      expect.objectContaining({
        code: 'E_OPTIONS_INVALID',
        message: expect.stringContaining(message),
      }),
    );
  });
});
