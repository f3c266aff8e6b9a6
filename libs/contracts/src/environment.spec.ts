/** Configuration errors must name the variable and show what to write. */
import { describe, expect, it } from '@jest/globals';
import { Environment } from './environment.js';

const REDIS = 'redis://127.0.0.1:6379';
const SHARDS = 's1=postgres://a/x,s2=postgres://b/x';

const of = (variables: NodeJS.ProcessEnv) => new Environment('orders', variables);

describe('Environment', () => {
  it('names a missing variable and shows an example', () => {
    expect(() => of({}).url('REDIS_URL', 'redis', REDIS)).toThrow(
      'orders: REDIS_URL is not set; set it, for example REDIS_URL=redis://127.0.0.1:6379',
    );
    expect(() => of({ REPLICA: ' ' }).text('REPLICA', 'orders-1')).toThrow('REPLICA is not set');
  });

  it.each([
    ['redis', 'redis://h:1/2'],
    ['redis', 'rediss://u:p@h:1'],
    ['postgres', 'postgres://h/d'],
    ['postgres', 'postgresql://h/d'],
    ['http', 'https://h'],
  ] as const)('takes %s URLs like %s', (kind, url) => {
    expect(of({ X: url }).url('X', kind, 'x')).toBe(url);
  });

  it.each(['127.0.0.1:6379', 'http://h', 'redis'])('refuses %s as a Redis URL', (url) => {
    expect(() => of({ X: url }).url('X', 'redis', REDIS)).toThrow('X is not a redis URL');
  });

  it('reads named URLs', () => {
    expect(of({ S: SHARDS }).namedUrls('S', 'postgres', SHARDS)).toEqual([
      { id: 's1', url: 'postgres://a/x' },
      { id: 's2', url: 'postgres://b/x' },
    ]);
    expect(() => of({ S: 'postgres://a/x' }).namedUrls('S', 'postgres', SHARDS)).toThrow(
      'S is not a list of id=url',
    );
    expect(() => of({ S: 's1=redis://a' }).namedUrls('S', 'postgres', SHARDS)).toThrow(
      'S is not a postgres URL',
    );
  });

  it.each(['-1', '65536', '80.5', 'x'])('refuses port %s', (port) => {
    expect(() => of({ PORT: port }).port('PORT')).toThrow('PORT is not a port');
  });

  it('takes any port from 0 on', () => {
    expect(of({ PORT: '0' }).port('PORT')).toBe(0);
  });
});
