import { describe, expect, it } from '@jest/globals';
import { RedisKeys } from './redis.keys.js';

describe('RedisKeys', () => {
  const keys = new RedisKeys('shop');

  it('puts the name into the hash tag, alone', () => {
    expect(keys.key('lock', 'sku:7')).toBe('shop:lock:{sku:7}');
    expect(keys.key('lock', 'sku:7', 'queue')).toBe('shop:lock:{sku:7}:queue');
    expect(keys.channel('cache', 'events')).toBe('shop:cache:events');
  });

  it.each(['', '}x', 'a{b'])('refuses the name %p, which would tear the tag', (name) => {
    expect(() => keys.key('lock', name)).toThrow(expect.objectContaining({ code: 'E_REDIS_KEY' }));
  });
});
