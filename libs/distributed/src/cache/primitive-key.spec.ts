/** The primitive behind a key is found exactly, or not at all. */
import fc from 'fast-check';
import { describe, expect, it } from '@jest/globals';
import { argumentsKey } from './cache-key.js';
import { isPrimitiveKey, primitiveOf } from './primitive-key.js';

const primitive = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.stringMatching(/^[%\d{}[\]u-]{0,8}$/),
  fc.double(),
  fc.integer(),
  fc.bigInt(),
  fc.boolean(),
);

describe('primitiveOf', () => {
  it('returns what the key was made of (catches a text that is not unescaped)', () => {
    fc.assert(
      fc.property(primitive, (value) => {
        const found = primitiveOf(argumentsKey([value], 'spec'));
        if (isPrimitiveKey(value)) expect(Object.is(found, value)).toBe(true);
        else expect(found).toBeUndefined();
      }),
      { numRuns: 2_000 },
    );
  });

  it('is injective on whatever text: only the canonical one stands for a value', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[sntfi#[][-%0-9a-f.e+ ]{0,8}$/), (key) => {
        const value = primitiveOf(key);
        if (value !== undefined) expect(argumentsKey([value], 'spec')).toBe(key);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each(['n-0', 'n01', 'n1.0', 'i-0', 'i01', 'sa b', 's%0041', 's%D83D', 'tt', 'z', 'u', '#x', '[n1]', ''])(
    'knows no value for %p',
    (key) => expect(primitiveOf(key)).toBeUndefined(),
  ); // prettier-ignore

  it('takes no argument for a key that a Map would confuse or not find', () => {
    expect([0, -0, Number.NaN, null, undefined, {}, Symbol.iterator].map(isPrimitiveKey)).toEqual([
      true,
      false,
      true,
      false,
      false,
      false,
      false,
    ]);
  });
});
