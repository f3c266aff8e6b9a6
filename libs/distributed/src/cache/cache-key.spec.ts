/** Two keys are equal exactly when what they were made of is deeply equal. */
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { argumentsKey, explicitKey, methodKey, storedKey } from './cache-key.js';

const data = fc.anything({
  withBigInt: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withNullPrototype: false,
  withObjectString: false,
  maxDepth: 2,
  maxKeys: 3,
});
/** A small alphabet full of the encoding's own characters, so that collisions are likely. */
const nasty = fc.string({
  unit: fc.constantFrom(
    'a',
    ',',
    '[',
    ']',
    '(',
    ')',
    '=',
    '%',
    's',
    '{',
    '}',
    ' ',
    'd',
    '0',
    '\ud800',
  ),
});
const tight = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    nasty,
    fc.constantFrom<unknown>(0, -0, 1, Number.NaN, 1n, true, null, undefined, '0', '1', 'null'),
    fc.array(tie('value'), { maxLength: 2 }),
    fc.dictionary(nasty, tie('value'), { maxKeys: 2, noNullPrototype: true }),
  ),
})).value;

const key = (...args: unknown[]): string => argumentsKey(args, 'spec');

/** What `argumentsKey` calls the same call. */
function trimmed(args: readonly unknown[]): readonly unknown[] {
  const last = args.findLastIndex((value) => value !== undefined);
  return args.slice(0, last + 1);
}

describe('argumentsKey', () => {
  it.each([
    ['anything', fc.array(data, { maxLength: 3 })],
    ['look-alikes', fc.array(tight, { maxLength: 3 })],
  ])(
    'gives different calls different keys: %s (catches joining by text, JSON.stringify, a hash)',
    (_name, calls) => {
      fc.assert(
        fc.property(calls, calls, (first, second) => {
          const same = isDeepStrictEqual(trimmed(first), trimmed(second));
          expect(key(...first) === key(...second)).toBe(same);
        }),
        { numRuns: 2_000 },
      );
    },
  );

  it('gives equal calls equal keys, whatever the order of fields', () => {
    fc.assert(
      fc.property(fc.array(data, { maxLength: 3 }), (args) => {
        expect(key(...structuredClone(args))).toBe(key(...args));
      }),
    );
    expect(key({ a: 1, b: 2 })).toBe(key({ b: 2, a: 1 }));
    expect(key(new Set([1, 2]))).toBe(key(new Set([2, 1])));
  });

  it('tells apart what JSON takes for the same', () => {
    const lookAlikes = [
      1,
      '1',
      1n,
      [1],
      ['1'],
      true,
      'true',
      null,
      'null',
      Number.NaN,
      0,
      -0,
      '',
      [],
      [undefined],
      // oxlint-disable-next-line no-sparse-arrays -- a hole is what is tested
      [,],
      {},
      new Map(),
      new Set(),
      { a: undefined },
      new Date(0),
      '1970-01-01T00:00:00.000Z',
      new Date(Number.NaN),
      Buffer.from('1'),
      [[1]],
      '\ud800',
      '\ufffd',
    ];
    expect(new Set(lookAlikes.map((value) => key(value))).size).toBe(lookAlikes.length);
  });

  it('ignores trailing undefined, so an omitted optional argument is the same call', () => {
    expect(key('a', undefined)).toBe(key('a'));
    expect(key(undefined, 'a')).not.toBe(key('a'));
  });

  it('lets one argument stand for itself, unless it is an array', () => {
    expect(key('a')).toBe(explicitKey('a', 'spec'));
    expect(key(['a', 'b'])).not.toBe(key('a', 'b'));
  });

  it('contains no braces and no white space: it stands inside a hash tag', () => {
    fc.assert(
      fc.property(tight, (value) => {
        expect(key(value)).not.toMatch(/[{}\s]/);
      }),
    );
  });

  it.each([
    [
      'a class instance, whose private state nobody sees',
      new (class Secret {
        #id = 1;
        id = this.#id;
      })(),
    ],
    ['a function', () => 1],
    ['a symbol', Symbol('x')],
    ['a promise', Promise.resolve(1)],
    ['an object with symbol keys', { [Symbol('x')]: 1 }],
  ])('refuses %s', (_name, value) => {
    expect(() => key({ value })).toThrow(expect.objectContaining({ code: 'E_CACHE_KEY' }));
  });

  it('refuses cycles, not repetition', () => {
    const cycle: unknown[] = [];
    cycle.push(cycle);
    const shared = { a: 1 };
    expect(() => key(cycle)).toThrow(/contains itself/);
    expect(() => key([shared, shared])).not.toThrow();
  });
});

describe('explicitKey', () => {
  it.each([[undefined], [null], [''], [Number.NaN], [[]], [['tenant', undefined]]])(
    'refuses %j: it identifies nothing',
    (value) => {
      expect(() => explicitKey(value, 'spec')).toThrow(
        expect.objectContaining({ code: 'E_CACHE_KEY' }),
      );
    },
  );
});

describe('methodKey', () => {
  it('takes a constant, a function of the arguments, or all arguments', () => {
    expect(methodKey('all', ['x'], 'spec')).toBe(explicitKey('all', 'spec'));
    expect(methodKey((id: string) => ['u', id], ['x', 'y'], 'spec')).toBe(
      explicitKey(['u', 'x'], 'spec'),
    );
    expect(methodKey(undefined, ['x', 'y'], 'spec')).toBe(argumentsKey(['x', 'y'], 'spec'));
  });
});

describe('storedKey', () => {
  it('replaces long keys by their SHA-256, which no short key looks like', () => {
    const long = explicitKey('x'.repeat(1_000), 'spec');
    expect(storedKey(long)).toMatch(/^#[\w-]{43}$/);
    expect(storedKey(long)).not.toBe(storedKey(`${long}x`));
    expect(storedKey(key('#'))).toBe('s#');
  });
});
