/** A confirmation heals what it can vouch for, and no more. */
import { describe, expect, it } from '@jest/globals';
import { CachePoison } from './cache-poison.js';

describe('CachePoison', () => {
  it('is healed by an eviction sent after the failed one', () => {
    const poison = new CachePoison();
    poison.add('a', poison.ticket());
    expect(poison.has('a')).toBe(true);
    poison.heal('a', poison.ticket());
    expect(poison.has('a')).toBe(false);
  });

  it('is not healed by an eviction sent before the failed one (catches healing by key alone)', () => {
    const poison = new CachePoison();
    const early = poison.ticket();
    const failed = poison.ticket();
    poison.add('a', failed);
    poison.heal('a', early);
    expect(poison.has('a')).toBe(true);
  });

  it('is healed by a later clear; a failed clear is healed by nothing less', () => {
    const poison = new CachePoison();
    poison.add('a', poison.ticket());
    poison.heal(undefined, poison.ticket());
    expect(poison.size).toBe(0);
    poison.add(undefined, poison.ticket());
    poison.heal('a', poison.ticket());
    expect(poison.has('a')).toBe(true);
    expect(poison.pending).toEqual([undefined]);
    poison.heal(undefined, poison.ticket());
    expect(poison.has('a')).toBe(false);
  });

  it('is bounded: too many keys become the whole cache', () => {
    const poison = new CachePoison();
    for (let index = 0; index <= 1_000; index++) poison.add(`k${index}`, poison.ticket());
    expect(poison.pending).toEqual([undefined]);
    expect(poison.size).toBe(1);
  });
});
