/** Ids that carry their slot. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FakeClock } from '../testing/fake-clock.js';
import { SystemRandom } from '../time/index.js';
import { PartitionIds, slotFromId } from './partition-id.js';
import { SLOT_COUNT } from './slot.js';

const UUID_V7 = /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;

/** A wall clock that may step back. */
class SteppingClock extends FakeClock {
  wallMs = Date.UTC(2026, 0, 1);

  override epochMs(): number {
    return this.wallMs;
  }
}

describe('PartitionIds', () => {
  it('every slot survives the round trip through a valid UUIDv7', () => {
    const ids = new PartitionIds(new FakeClock(), new SystemRandom());
    fc.assert(
      fc.property(fc.integer({ min: 0, max: SLOT_COUNT - 1 }), (slot) => {
        const id = ids.next(slot);
        expect(id).toMatch(UUID_V7);
        expect(slotFromId(id)).toBe(slot);
        expect(slotFromId(id.toUpperCase())).toBe(slot);
      }),
    );
  });

  it('carries the wall time in its first 48 bits', () => {
    const ids = new PartitionIds(new FakeClock(Date.UTC(2026, 6, 1)), new SystemRandom());
    const millis = Number.parseInt(ids.next(1).replaceAll('-', '').slice(0, 12), 16);
    expect(millis).toBe(Date.UTC(2026, 6, 1));
  });

  it('ascends within one millisecond, past the counter, and when the clock steps back (mutation: counter without overflow, or time taken as it is)', () => {
    const clock = new SteppingClock();
    const ids = new PartitionIds(clock, new SystemRandom());
    const made: string[] = [];
    for (let count = 0; count < 5_000; count++) made.push(ids.next(7));
    clock.wallMs -= 10_000;
    for (let count = 0; count < 5_000; count++) made.push(ids.next(7));
    expect(new Set(made).size).toBe(made.length);
    expect([...made].sort()).toEqual(made);
  });

  it('is unique between processes that share clock and counter (mutation: no random part)', () => {
    const clock = new FakeClock();
    const made = Array.from({ length: 2_000 }, () =>
      new PartitionIds(clock, new SystemRandom()).next(3),
    );
    expect(new Set(made).size).toBe(made.length);
  });

  it('refuses what is not a slot or not such an id', () => {
    const ids = new PartitionIds(new FakeClock(), new SystemRandom());
    for (const slot of [-1, SLOT_COUNT, 1.5])
      expect(() => ids.next(slot)).toThrow(expect.objectContaining({ code: 'E_PARTITION_SLOT' }));
    for (const id of ['', 'order-1', '00112233-4455-4677-8899-aabbccddeeff'])
      expect(() => slotFromId(id)).toThrow(expect.objectContaining({ code: 'E_PARTITION_SLOT' }));
  });
});
