/** The scripts and the simulated server do the same, whatever the order of calls. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type RedisServer, startRedis } from '../../../../test/support/redis.fixture.js';
import {
  SimulatedCacheStore,
  SimulatedRedis,
} from '../../../../test/support/simulated-redis.fixture.js';
import { RedisConnection } from '../redis/index.js';
import { SystemClock } from '../time/index.js';
import { resolveCacheOptions } from './cache.options.js';
import type { CacheStore } from './cache.store.js';
import { type EntryHeader, formatEntry } from './entry-format.js';
import { L2Breaker } from './l2-breaker.js';
import { RedisCacheStore } from './redis-cache.store.js';

const address = { cache: 'c', key: 'k' };
const announcement = { channel: 'bus', text: '' };
const TTL_MS = 100_000;
const leaseOf = (token: string) => ({ token, schema: 1, generation: { hard: 1, soft: 1 } });
const recordOf = (token: string, kind: EntryHeader['kind'], staleIfError: number): Buffer =>
  formatEntry(
    {
      ...leaseOf(token),
      kind,
      staleIfError,
      tags: [],
      staleWhileRevalidate: 0,
      loadMs: 0,
      createdAt: 0,
      codec: 0,
      flags: 0,
      keyCheck: 0,
    },
    Buffer.from(token),
  );

/** One call; what it answers is compared, and afterwards what is stored. */
type Call = readonly [name: string, run: (store: CacheStore) => Promise<unknown>];

const token = fc.constantFrom('one', 'two', 'three');
const stale = fc.constantFrom(0, 50_000);
const call: fc.Arbitrary<Call> = fc.oneof(
  token.map((t): Call => [`acquire ${t}`, (s) => s.acquire(address, leaseOf(t), TTL_MS)]),
  fc.tuple(token, token, fc.constantFrom('lease', 'value', 'error')).map(([of, t, kind]): Call => [
    `replace ${kind} of ${of} by ${t}`,
    (s) => {
      const identity = recordOf(of, kind as EntryHeader['kind'], 0).subarray(0, 48);
      return s.replace(address, identity, leaseOf(t), TTL_MS);
    },
  ]),
  fc
    .tuple(token, token)
    .map(([of, t]): Call => [
      `refresh ${of} by ${t}`,
      (s) => s.refresh(address, of, leaseOf(t), TTL_MS),
    ]),
  token.map((t): Call => [`extend ${t}`, (s) => s.extend(address, leaseOf(t), TTL_MS)]),
  fc.tuple(token, fc.boolean(), fc.constantFrom(0, TTL_MS)).map(([t, share, pauseMs]): Call => [
    `abandon ${t} ${share} ${pauseMs}`,
    (s) => {
      const record = share ? recordOf(t, 'error', 0) : undefined;
      return s.abandon(address, leaseOf(t), { record, ttlMs: TTL_MS, pauseMs });
    },
  ]),
  fc
    .tuple(token, stale)
    .map(([t, ms]): Call => [
      `fill ${t}`,
      (s) => s.fill(address, { token: t, record: recordOf(t, 'value', ms), ttlMs: TTL_MS }),
    ]),
  token.map((t): Call => [`intend ${t}`, (s) => s.intend(address, t, TTL_MS)]),
  fc
    .tuple(token, stale)
    .map(([t, ms]): Call => [
      `put ${t}`,
      (s) =>
        s.put(address, { token: t, record: recordOf(t, 'value', ms), ttlMs: TTL_MS }, announcement),
    ]),
  fc.constant<Call>(['remove', (s) => s.remove(address, announcement)]),
  fc.constant<Call>(['expire', (s) => s.expire(address, announcement)]),
);

let server: RedisServer;
let connection: RedisConnection;

beforeAll(async () => {
  server = await startRedis();
  connection = await RedisConnection.connect({ url: server.url });
});
afterAll(async () => {
  await connection.close();
  await server.stop();
});

/** Lifetimes to the nearest 10 s: time passes on a real server. */
async function view(store: CacheStore): Promise<unknown> {
  const stored = await store.read(address);
  if (!stored?.entry) return undefined;
  const { kind, token: of, leaseToken, payload } = stored.entry;
  return { kind, of, leaseToken, text: String(payload), ms: Math.round(stored.remainingMs / 1e4) };
}

it('for 300 random sequences of up to 12 calls', async () => {
  const options = resolveCacheOptions({});
  const real = new RedisCacheStore(connection, new L2Breaker(new SystemClock(), options), options);
  await fc.assert(
    fc.asyncProperty(fc.array(call, { maxLength: 12 }), async (calls) => {
      await connection.client.flushall();
      const simulated = new SimulatedCacheStore(new SimulatedRedis());
      for (const [name, run] of calls) {
        expect([name, await run(real)]).toEqual([name, await run(simulated)]);
        expect([name, await view(real)]).toEqual([name, await view(simulated)]);
      }
    }),
    { numRuns: 300 },
  );
});
