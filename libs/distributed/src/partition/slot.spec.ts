/** Keys to slots: golden vectors, and the properties that make two processes route alike. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createRequire } from 'node:module';
import { canonicalKey } from './canonical-key.js';
import { crc16, SLOT_COUNT, slotOf } from './slot.js';

/** The slot function of ioredis; it has no type declarations. */
const calculateSlot = createRequire(import.meta.url)('cluster-key-slot') as (key: string) => number;

const notBraces = fc
  .string({ unit: 'binary', minLength: 1 })
  .filter((text) => !text.includes('{') && !text.includes('\0'));

describe('crc16', () => {
  it.each([
    ['123456789', 12_739],
    ['', 0],
    ['foo', 44_950],
    ['hello', 50_018],
  ])('of %j is %i (mutation: another polynomial, seed or reflection)', (text, checksum) => {
    expect(crc16(Buffer.from(text))).toBe(checksum);
  });
});

describe('slotOf', () => {
  it.each([
    ['123456789', 12_739],
    ['foo', 12_182],
    ['bar', 5_061],
    ['user1000', 3_443],
    [42, 8_000],
    [0, 13_907],
    [['a:b', 'c'], 1_062],
    [['a', 'b:c'], 5_274],
    ['00112233-4455-6677-8899-AABBCCDDEEFF', 2_038],
    ['żółw', 13_847],
  ])('golden vector %j → %i: part of the contract, never change it', (key, slot) => {
    expect(slotOf(key)).toBe(slot);
  });

  it('equals the slot of the independent Redis Cluster client, hash tags included', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (key) => {
        expect(slotOf(key)).toBe(calculateSlot(canonicalKey(key)));
      }),
    );
    for (const key of ['{user}.a', 'a{b}c', 'a{}b', '{}', 'a{b', 'a}{b}', '{{x}}', 'a{b}{c}'])
      expect(slotOf(key)).toBe(calculateSlot(key));
  });

  it('a key and its hash tag share a slot (mutation: hashing the braces)', () => {
    fc.assert(
      fc.property(
        notBraces.filter((tag) => !tag.includes('}')),
        notBraces,
        (tag, rest) => {
          expect(slotOf(`${rest}{${tag}}${rest}`)).toBe(slotOf(tag));
        },
      ),
    );
  });

  it('is total: every valid key has a slot', () => {
    fc.assert(
      fc.property(fc.oneof(fc.maxSafeInteger(), fc.bigInt(), notBraces), (key) => {
        const slot = slotOf(key);
        expect(Number.isInteger(slot) && slot >= 0 && slot < SLOT_COUNT).toBe(true);
      }),
    );
  });

  it('spreads sequential numbers evenly (chi²/df ≈ 1; mutation: Java-style 31·h+c has 14)', () => {
    const counts = new Uint32Array(SLOT_COUNT);
    const keys = SLOT_COUNT * 10;
    for (let id = 0; id < keys; id++) counts[slotOf(id)]! += 1;
    const expected = keys / SLOT_COUNT;
    const chi2 = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    expect(chi2 / (SLOT_COUNT - 1)).toBeLessThan(2);
  });
});

describe('canonicalKey', () => {
  it('a number, a bigint and its column value as a string are one key', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (id) => {
        expect(canonicalKey(id)).toBe(canonicalKey(String(id)));
        expect(canonicalKey(BigInt(id))).toBe(canonicalKey(String(id)));
      }),
    );
    expect(canonicalKey(-0)).toBe('0');
    expect(canonicalKey(42)).toBe('42');
  });

  it('ignores the letter case of UUIDs only', () => {
    fc.assert(
      fc.property(fc.uuid(), (id) => {
        expect(canonicalKey(id.toUpperCase())).toBe(canonicalKey(id));
      }),
    );
    expect(canonicalKey('Alice')).not.toBe(canonicalKey('alice'));
  });

  it('composite keys are injective (mutation: join with a separator)', () => {
    const composite = fc.array(fc.string({ unit: fc.constantFrom('a', ':', '1'), minLength: 1 }), {
      minLength: 2,
      maxLength: 4,
    });
    fc.assert(
      fc.property(composite, composite, (a, b) => {
        expect(canonicalKey(a) === canonicalKey(b)).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
      { numRuns: 2_000 },
    );
    expect(canonicalKey(['a:b', 'c'])).not.toBe(canonicalKey(['a', 'b:c']));
    expect(canonicalKey(['é', 'x'])).toBe('2:é1:x');
  });

  it.each([
    ['a fraction', 4.2],
    ['NaN', Number.NaN],
    ['Infinity', Number.POSITIVE_INFINITY],
    ['an unsafe integer', 2 ** 53],
    ['null', null],
    ['undefined', undefined],
    ['an empty string', ''],
    ['a boolean', true],
    ['an object', { id: 1 }],
    ['a Date', new Date(0)],
    ['a symbol', Symbol('x')],
    ['a function', () => 1],
    ['a boxed string', Object('x')],
    ['an empty array', []],
    ['an array of one', ['a']],
    ['an array with a hole', ['a', undefined]],
    ['a nested array', ['a', ['b', 'c']]],
    ['a lone surrogate', 'a\ud800'],
  ])('refuses %s (mutation: String(key))', (_name, key) => {
    expect(() => slotOf(key)).toThrow(expect.objectContaining({ code: 'E_PARTITION_KEY' }));
  });

  it('does not quote the key, which may be personal data', () => {
    expect(() => canonicalKey(['jane@example.org', 4.2])).toThrow(/part 1.*fraction/);
    expect(() => canonicalKey(['jane@example.org', 4.2])).not.toThrow(/jane/);
  });
});
