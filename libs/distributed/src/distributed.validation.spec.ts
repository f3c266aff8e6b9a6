import { describe, expect, it } from '@jest/globals';
import * as v from 'valibot';
import { durationSchema, remembering, validateOptions } from './distributed.validation.js';

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

describe('remembering', () => {
  const parsed: unknown[] = [];
  const parse = remembering((value: object) => {
    parsed.push(value);
    return check(value);
  });

  it('checks the same plain options once, and others by themselves (mutations: never, by identity)', () => {
    parsed.length = 0;
    for (const ttl of ['5s', '5s', 5_000, '6s'] as const) parse({ ttl });
    expect(parsed).toEqual([{ ttl: '5s' }, { ttl: 5_000 }, { ttl: '6s' }]);
    const options: { ttl: string | number } = { ttl: '5s' };
    expect(parse(options)).toEqual({ ttl: 5_000, shards: [] });
    options.ttl = 7;
    expect(parse(options)).toEqual({ ttl: 7, shards: [] });
  });

  it.each([
    [{ ttl: Number.NaN }],
    [{ ttl: null }],
    [{ ttl: 5n }],
    [{ shards: [{ id: 2 }] }],
    [null],
  ])('takes nothing for what it is not: %p', (value) => {
    for (let time = 0; time < 2; time++)
      expect(() => parse(value as never)).toThrow(
        expect.objectContaining({ code: 'E_OPTIONS_INVALID' }),
      );
  });

  it('gives what nobody can change, and remembers a bounded number of them', () => {
    expect(Object.isFrozen(parse({ ttl: 1 }))).toBe(true);
    for (let ttl = 0; ttl < 10_000; ttl++) parse({ ttl });
    parsed.length = 0;
    for (let ttl = 0; ttl < 10_000; ttl++) parse({ ttl });
    expect(parsed.length).toBeGreaterThanOrEqual(9_000);
  });
});
