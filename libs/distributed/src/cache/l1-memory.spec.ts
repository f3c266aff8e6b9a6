/** What the first level costs in memory, measured. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { L1Cache } from './l1-cache.js';
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
      cache.set(`s${fresh('user:', id)}`, new MemoryEntry(fresh('value of ', id), 1, 60_000, 100));
    const overhead = (used() - before - bare) / count;
    expect(cache.size).toBe(count);
    expect(overhead).toBeGreaterThan(80);
    expect(overhead).toBeLessThanOrEqual(200);
  });

  it('what has left takes no memory: 200,000 keys pass through a thousand places (catches an index that keeps what was evicted)', () => {
    const cache = new L1Cache<MemoryEntry>({ maxEntries: 1_000, maxBytes: Infinity });
    const pass = (from: number, to: number): void => {
      for (let id = from; id < to; id++) {
        cache.set(
          `s${fresh('user:', id)}`,
          new MemoryEntry(fresh('value of ', id), 1, 60_000, 100),
        );
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
