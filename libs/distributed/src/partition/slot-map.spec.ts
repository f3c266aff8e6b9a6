/** The slot map: complete, without overlap, immutable. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SLOT_COUNT } from './slot.js';
import { type SlotAssignment, SlotMap, type SlotRange } from './slot-map.js';

const SHARDS = ['s1', 's2', 's3'];

describe('SlotMap.even', () => {
  it('two shards get the two halves', () => {
    const map = SlotMap.even(['s1', 's2']);
    expect(map.rangesOf('s1')).toEqual([[0, 8191]]);
    expect(map.rangesOf('s2')).toEqual([[8192, 16_383]]);
    expect(map.shardOf(8191)).toBe('s1');
    expect(map.shardOf(8192)).toBe('s2');
  });

  it('is total, contiguous and fair within one slot for any number of shards', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 64 }), (count) => {
        const ids = Array.from({ length: count }, (_, index) => `s${index}`);
        const map = SlotMap.even(ids);
        const sizes = ids.map((id) => {
          const ranges = map.rangesOf(id);
          expect(ranges).toHaveLength(1);
          const [from, to] = ranges[0]!;
          return to - from + 1;
        });
        expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(SLOT_COUNT);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }),
      { numRuns: 20 },
    );
  });
});

describe('SlotMap.of', () => {
  const of = (assignments: readonly SlotAssignment[]): SlotMap =>
    SlotMap.of(SHARDS, assignments, 'partition.map');

  it('reads text and arrays, several entries per shard, and shards without slots', () => {
    const map = of([
      { shard: 's2', slots: '0-99, 200' },
      { shard: 's1', slots: [[100, 199] as SlotRange] },
      { shard: 's2', slots: '201-16383' },
      { shard: 's3', slots: '' },
    ]);
    expect(map.rangesOf('s1')).toEqual([[100, 199]]);
    expect(map.rangesOf('s2')).toEqual([
      [0, 99],
      [200, 16_383],
    ]);
    expect(map.rangesOf('s3')).toEqual([]);
  });

  it('any cut into ranges gives back the shard of every slot', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 1, max: SLOT_COUNT - 1 }), { maxLength: 30 }),
        (cuts) => {
          const starts = [0, ...cuts.sort((a, b) => a - b)];
          const map = of(
            starts.map((from, index) => ({
              shard: SHARDS[index % 3]!,
              slots: `${from}-${(starts[index + 1] ?? SLOT_COUNT) - 1}`,
            })),
          );
          for (const [index, from] of starts.entries()) {
            expect(map.shardOf(from)).toBe(SHARDS[index % 3]);
            if (from > 0) expect(map.shardOf(from - 1)).toBe(SHARDS[(index - 1) % 3]);
          }
        },
      ),
      { numRuns: 25 },
    );
  });

  it.each([
    ['a gap', [{ shard: 's1', slots: '0-16382' }], /slot 16383 has no shard/],
    ['a hole', [{ shard: 's1', slots: '0-5,7-16383' }], /slot 6 has no shard/],
    [
      'an overlap',
      [
        { shard: 's1', slots: '0-8192' },
        { shard: 's2', slots: '8192-16383' },
      ],
      /map\.1\.slots: slot 8192 is given twice, first to 's1'/,
    ],
    ['an unknown shard', [{ shard: 'x', slots: '0-16383' }], /map\.0\.shard: unknown shard 'x'/],
    ['a slot too high', [{ shard: 's1', slots: '0-16384' }], /0-16384 is not a range/],
    ['a range backwards', [{ shard: 's1', slots: [[5, 3] as SlotRange] }], /5-3 is not a range/],
    ['a fraction', [{ shard: 's1', slots: [[0, 1.5] as SlotRange] }], /is not a range/],
    ['text that is none', [{ shard: 's1', slots: '0..8191' }], /'0\.\.8191' is not a range/],
  ])('refuses %s', (_name, assignments, message) => {
    expect(() => of(assignments)).toThrow(message);
    expect(() => of(assignments)).toThrow(expect.objectContaining({ code: 'E_OPTIONS_INVALID' }));
  });

  it('throws for what is not a slot instead of guessing a shard', () => {
    const map = SlotMap.even(SHARDS);
    for (const slot of [-1, SLOT_COUNT, 1.5, Number.NaN])
      expect(() => map.shardOf(slot)).toThrow(RangeError);
  });

  it('cannot be changed from outside', () => {
    const ids = ['s1', 's2'];
    const map = SlotMap.even(ids);
    ids.reverse();
    expect(map.shardOf(0)).toBe('s1');
    expect(() => (map.shards as string[]).push('s3')).toThrow(TypeError);
  });
});
