/** The judge's own slot function. */
import { describe, expect, it } from '@jest/globals';
import { homeShard, slotOf } from './slot.js';

describe('slotOf', () => {
  // CRC16/XMODEM check value, and slots that CLUSTER KEYSLOT answers.
  it.each([
    ['123456789', 0x31c3],
    ['foo', 12_182],
    ['bar', 5_061],
    ['hello', 866],
    ['', 0],
  ])('of %p is %d', (key, slot) => {
    expect(slotOf(key)).toBe(slot);
  });
});

describe('homeShard', () => {
  it('splits the slots in contiguous halves', () => {
    expect(homeShard('bar', ['s1', 's2'])).toBe('s1');
    expect(homeShard('foo', ['s1', 's2'])).toBe('s2');
  });
});
