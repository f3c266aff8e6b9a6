import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { encodeKey, type KeyPart, resolveKey } from './method-key.js';

const part: fc.Arbitrary<KeyPart> = fc.oneof(
  fc.string({ minLength: 1 }),
  fc.integer(),
  fc.bigInt(),
  fc.boolean(),
);
const text = (parts: readonly KeyPart[]): string => JSON.stringify(parts.map(String));

describe('method keys', () => {
  it('joins parts and escapes what would be ambiguous or break a hash tag', () => {
    expect(encodeKey(['sku', 'a:b'], 'x')).toBe('sku:a%3Ab');
    expect(encodeKey('{tag} 1%', 'x')).toBe('%7Btag%7D%201%25');
    expect(encodeKey(42n, 'x')).toBe(encodeKey('42', 'x'));
  });

  it('is injective over the text of the parts (a plain join is not)', () => {
    fc.assert(
      fc.property(fc.array(part, { minLength: 1 }), fc.array(part, { minLength: 1 }), (a, b) => {
        expect(encodeKey(a, 'x') === encodeKey(b, 'x')).toBe(text(a) === text(b));
      }),
    );
    expect(encodeKey(['a', 'b:c'], 'x')).not.toBe(encodeKey(['a:b', 'c'], 'x'));
  });

  it('asks the function with the arguments of the call', () => {
    expect(resolveKey((id: string, page: number) => [id, page], ['a', 2], 'x')).toBe('a:2');
  });

  it.each([undefined, null, '', Number.NaN, Infinity, {}, [[]], []])(
    'refuses %p and names the method',
    (value) => {
      expect(() => resolveKey(() => value as never, [], 'Orders.place')).toThrow(
        expect.objectContaining({
          code: 'E_KEY_INVALID',
          message: expect.stringContaining('Orders.place'),
        }),
      );
    },
  );
});
