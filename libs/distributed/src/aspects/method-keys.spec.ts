/** Several keys of one call. */
import { describe, expect, it } from '@jest/globals';
import { encodeKeys, type KeysInput } from './index.js';

describe('encodeKeys', () => {
  it.each<[KeysInput, string[]]>([
    ['a', ['a']],
    [['a', 'b:c'], ['a:b%3Ac']],
    [
      [['b', 1], ['a']],
      ['a', 'b:1'],
    ],
    [
      [['a'], ['a'], ['a', 'b']],
      ['a', 'a:b'],
    ],
  ])('%j is %j: each once, in one order', (input, encoded) => {
    expect(encodeKeys(input, 'spec')).toEqual(encoded);
  });

  it.each([[[]], [[['a'], 'b']], [[['a'], []]], [[['a'], [{}]]], ['']])(
    '%j identifies nothing',
    (input) => {
      expect(() => encodeKeys(input as KeysInput, 'spec')).toThrow(
        expect.objectContaining({ code: 'E_KEY_INVALID' }),
      );
    },
  );
});
