/** Hit ratios of the policies on the shapes of the public traces (docs/guide/cache.md shows them). */
import { LRUCache } from 'lru-cache';
import { describe, expect, it } from '@jest/globals';
import {
  type CacheTrace,
  FREQUENCY_TRACES,
  MIDDLE_DISTANCE_TRACE,
  RECENCY_TRACES,
} from '../../../../test/support/cache-traces.fixture.js';
import { L1Entry } from './l1-entry.js';
import { L1Cache, type L1PolicyName } from './l1-cache.js';

const USES = 120_000;
class Entry extends L1Entry {}

/** Per cent of the uses that found their key. */
function hits(trace: CacheTrace, policy: L1PolicyName): number {
  const cache = new L1Cache({ maxEntries: trace.size, maxBytes: Infinity }, policy);
  return ratio(
    trace,
    (key) => cache.recall(key, 0) !== undefined,
    (key) => cache.set(`n${key}`, new Entry(1, 1)),
  );
}

function ratio(
  trace: CacheTrace,
  find: (key: number) => boolean,
  keep: (key: number) => void,
): number {
  let found = 0;
  let uses = 0;
  for (const key of trace.keys()) {
    if (uses++ === USES) break;
    if (find(key)) found++;
    else keep(key);
  }
  return (100 * found) / USES;
}

describe('hit ratio', () => {
  it.each(FREQUENCY_TRACES)('$name: at least 3 points above LRU', (trace) => {
    expect(hits(trace, 's3-fifo')).toBeGreaterThanOrEqual(hits(trace, 'lru') + 3);
  });

  it.each(RECENCY_TRACES)('$name: at most 2 points below LRU', (trace) => {
    expect(hits(trace, 's3-fifo')).toBeGreaterThanOrEqual(hits(trace, 'lru') - 2);
  });

  it("the policy 'lru' is that of lru-cache, to the hit", () => {
    const trace = MIDDLE_DISTANCE_TRACE;
    const peer = new LRUCache<number, true>({ max: trace.size });
    const theirs = ratio(
      trace,
      (key) => peer.get(key) === true,
      (key) => peer.set(key, true),
    );
    expect(hits(trace, 'lru')).toBe(theirs);
  });

  it("uses at middle distance are where 'lru' is better: it can be chosen", () => {
    expect(hits(MIDDLE_DISTANCE_TRACE, 'lru')).toBeGreaterThan(
      hits(MIDDLE_DISTANCE_TRACE, 's3-fifo') + 10,
    );
  });
});
