/** What makes two requests the same one, and what a response may be made of. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { acceptedAgeMs, refusesCache, storableMs } from './cache-control.js';
import { audienceOf, canonicalTarget, httpCacheKey } from './http-cache-key.js';
import { isKnown, isResponseData } from './http-cached-response.js';
import type { HttpRequest } from './http-exchange.js';

const get = (url: string, headers: HttpRequest['headers'] = {}): HttpRequest => ({
  method: 'GET',
  url,
  headers,
});

describe('the key of a response', () => {
  it.each([
    ['/a?y=2&x=1', '/a?x=1&y=2'],
    ['/a?b=1&a=2&b=0', '/a?a=2&b=1&b=0'],
    ['/a?b[x]=1&a=3&b=2', '/a?a=3&b[x]=1&b=2'],
    ['/a?%61=2&a=1', '/a?%61=2&a=1'],
    ['/a?&&x', '/a?x'],
    ['/a', '/a'],
  ])('has the query of %s in one order', (url, canonical) => {
    expect(canonicalTarget(get(url))).toBe(canonical);
  });

  it('tells what is not the same: a broken escape, an order that means something', () => {
    const targets = ['/a?x=%FF', '/a?x=%FE', '/a?a=1&%61=2', '/a?%61=2&a=1', '/a?x=1', '/a?x=1&x'];
    expect(new Set(targets.map((url) => canonicalTarget(get(url)))).size).toBe(targets.length);
  });

  it('depends on route, host, scheme, principal and the headers named, and on nothing else', () => {
    const base = get('/a', { host: 'h', accept: '*/*' });
    const key = (request: HttpRequest, principal?: unknown, route = 'C.m'): string =>
      httpCacheKey(route, request, principal, ['accept-language']);
    const others = [
      key(get('/b', { host: 'h' })),
      key(get('/a', { host: 'i' })),
      key({ ...base, protocol: 'https' }),
      key({ ...base, hostname: 'tenant' }),
      key(get('/a', { host: 'h', 'accept-language': 'de' })),
      key(base, ['u']),
      key(base, [['u']]),
      key(base, [7]),
      key(base, undefined, 'C.m@2'),
    ];
    expect(new Set([key(base), ...others]).size).toBe(others.length + 1);
    expect(key(get('/a', { host: 'h', accept: 'text/html' }))).toBe(key(base));
  });

  it('never is one for two principals, whoever they are', () => {
    const principal = fc.oneof(
      fc.string({ minLength: 1 }),
      fc.integer(),
      fc.array(fc.oneof(fc.string(), fc.integer()), { minLength: 1 }),
    );
    fc.assert(
      fc.property(principal, principal, (a, b) => {
        const [one, other] = [a, b].map((who) => httpCacheKey('C.m', get('/'), [who], []));
        expect(one === other).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
    );
  });

  it.each([undefined, null, '', Number.NaN])('takes a principal of %p for nobody', (nobody) => {
    const settings = { principal: () => nobody };
    expect(audienceOf(settings, get('/', { cookie: 'a=1' }))).toBe('refused');
    expect(audienceOf(settings, { ...get('/'), user: { id: 1 } })).toBe('refused');
    expect(audienceOf(settings, get('/'))).toEqual({ principal: undefined });
  });
});

describe('Cache-Control', () => {
  it('of a request', () => {
    for (const value of ['no-store', 'No-Cache', 'max-age=0', 'max-age=x', 'a, no-cache'])
      expect(refusesCache(get('/', { 'cache-control': value }))).toBe(true);
    expect(refusesCache(get('/', { 'cache-control': 'max-age=5', pragma: 'no-cache' }))).toBe(
      false,
    );
    expect(acceptedAgeMs(get('/', { 'cache-control': 'max-age=5' }))).toBe(5000);
    expect(acceptedAgeMs(get('/'))).toBe(Infinity);
  });

  it('of a response', () => {
    expect(storableMs('public, max-age=60')).toBe(60_000);
    expect(storableMs('max-age=60, s-maxage="5"')).toBe(5000);
    expect(storableMs(undefined)).toBe(Infinity);
    for (const value of ['private', 'no-cache="set-cookie"', 'NO-STORE', 'max-age=-1'])
      expect(storableMs(value)).toBe(0);
  });
});

describe('a stored response', () => {
  it('is known by its tag, weakly, in a list', () => {
    for (const known of ['*', 'W/"a"', '"a"', '"b", W/"a"', '"x,y","a"'])
      expect(isKnown('W/"a"', known)).toBe(true);
    for (const unknown of [undefined, '', 'a', '"A"', '"b"'])
      expect(isKnown('"a"', unknown)).toBe(false);
  });

  it('is data, and nothing whose copy would be another', () => {
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    for (const data of [null, 'text', 0, false, [1, { a: [] }], { at: new Date(0) }])
      expect(isResponseData(data)).toBe(true);
    const others = [
      cycle,
      1n,
      () => 0,
      Symbol('s'),
      Buffer.from('a'),
      new Map(),
      new (class A {})(),
    ];
    for (const other of others)
      expect([isResponseData(other), isResponseData([other])]).toEqual([false, false]);
    expect(isResponseData({ toJSON: () => 1 })).toBe(false);
  });
});
