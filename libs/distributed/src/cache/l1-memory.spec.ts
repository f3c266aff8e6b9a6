/** What the first level costs in memory, measured. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import type { FoundValue } from './found-value.js';
import { L1Cache } from './l1-cache.js';
import { startingWith } from './lifetime.js';
import { MemoryEntry } from './memory-entry.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes in use when nothing is left to be collected. */
function used(): number {
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** A string of its own, as one that came over the network. */
function fresh(prefix: string, id: number): string {
  return Buffer.from(`${prefix}${String(id).padStart(10, '0')}`).toString('latin1');
}

const origin = { generation: { hard: 1, soft: 1 }, staleWhileRevalidate: 0, staleIfError: 0 };

/** As the cache makes them. */
function entryOf(value: string, id: number): MemoryEntry {
  const lifetime = startingWith(60_000.5, origin);
  const found: FoundValue = {
    ...origin,
    outcome: { value },
    token: `token ${id}`,
    mark: 2 ** 47 + id,
    tags: [],
    lifetime,
    loadMs: 0,
    encodedLength: 20,
  };
  return new MemoryEntry(found, origin, 1, { checkAt: 60_000.5, refreshAt: 59_000.5 }, 100);
}

describe('memory', () => {
  it('an entry costs at most 200 bytes beside its key and value', () => {
    const count = 100_000;
    const empty = used();
    const strings: string[] = [];
    for (let id = 0; id < count; id++) strings.push(fresh('user:', id), fresh('value of ', id));
    const bare = used() - empty;
    strings.length = 0;

    const before = used();
    const cache = new L1Cache<MemoryEntry>({ maxEntries: count, maxBytes: Infinity });
    for (let id = 0; id < count; id++)
      cache.set(`s${fresh('user:', id)}`, entryOf(fresh('value of ', id), id));
    const overhead = (used() - before - bare) / count;
    expect(cache.size).toBe(count);
    expect(overhead).toBeGreaterThan(80);
    expect(overhead).toBeLessThanOrEqual(200);
  });

  it('what has left takes no memory: 200,000 keys pass through a thousand places (catches an index that keeps what was evicted)', () => {
    const cache = new L1Cache<MemoryEntry>({ maxEntries: 1_000, maxBytes: Infinity });
    const pass = (from: number, to: number): void => {
      for (let id = from; id < to; id++) {
        cache.set(`s${fresh('user:', id)}`, entryOf(fresh('value of ', id), id));
        if (id % 3 === 0) cache.delete(`s${fresh('user:', id - 1)}`);
      }
    };
    pass(0, 50_000);
    const before = used();
    pass(50_000, 200_000);
    expect(used() - before).toBeLessThan(1_000_000);
    expect(cache.size).toBeLessThanOrEqual(1_000);
  });
});
