/** Reading INFO. */
import { describe, expect, it } from '@jest/globals';
import { isRecent, readServerFacts } from './redis-server-facts.js';

describe('isRecent', () => {
  it.each([
    ['2.8.19', false],
    ['4.0.14', false],
    ['5.0.0', true],
    ['5.0.14', true],
    ['7.0.15', true],
    ['10.1', true],
    ['unstable', true],
  ])('%s: %s', (version, recent) => {
    expect(isRecent(version)).toBe(recent);
  });
});

describe('readServerFacts', () => {
  it('knows nothing of a server that tells nothing', () => {
    expect(readServerFacts('# Server\r\n')).toEqual({
      version: undefined,
      clustered: false,
      evicts: undefined,
      replicas: undefined,
    });
  });

  it.each([
    [0, 'allkeys-lru', undefined],
    [100, 'noeviction', undefined],
    [100, 'allkeys-lru', 'allkeys-lru'],
    [100, 'volatile-ttl', 'volatile-ttl'],
  ])('maxmemory %s with %s evicts: %s', (maxmemory, policy, evicts) => {
    const info = `maxmemory:${maxmemory}\r\nmaxmemory_policy:${policy}\r\n`;
    expect(readServerFacts(info).evicts).toBe(evicts);
  });
});
