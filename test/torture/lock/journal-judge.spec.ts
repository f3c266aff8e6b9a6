import { describe, expect, it } from '@jest/globals';
import { concurrency, judge } from './journal-judge.js';
import type { JournalEntry } from './resource.js';

interface Touch {
  readonly by: string;
  readonly kind: JournalEntry['kind'];
  readonly value?: number;
  readonly fence?: number;
  readonly at?: number;
}

/** A journal of one key, both of the guarded counter and of its twin. */
function journal(...touches: Touch[]): JournalEntry[] {
  return touches.flatMap(({ by, kind, value = 0, fence = 0, at = 0 }) => {
    const times = { invokedAt: at, grantedAt: at + 1 };
    const entry = { key: 'k', process: by, operation: 1, kind, value, fence, ...times };
    return [
      { ...entry, guarded: true },
      { ...entry, guarded: false },
    ];
  });
}

describe('judge', () => {
  it('finds nothing in sections that follow each other', () => {
    const clean = journal(
      { by: 'a', kind: 'read', fence: 1, at: 0 },
      { by: 'a', kind: 'write', value: 1, fence: 1, at: 0 },
      { by: 'b', kind: 'read', value: 1, fence: 2, at: 5 },
      { by: 'b', kind: 'write', value: 2, fence: 2, at: 5 },
    );
    expect(judge(clean)).toEqual({
      acknowledged: 2,
      lostFenced: 0,
      lostUnfenced: 0,
      staleRejected: 0,
      overlaps: 0,
      disorder: 0,
      regressions: 0,
    });
  });

  it('finds the update that was overwritten unread, in the journal of the writes alone', () => {
    const torn = journal(
      { by: 'a', kind: 'read', fence: 1 },
      { by: 'b', kind: 'read', fence: 2 },
      { by: 'a', kind: 'write', value: 1, fence: 1 },
      { by: 'b', kind: 'write', value: 1, fence: 2 },
    );
    expect(judge(torn)).toMatchObject({ lostFenced: 1, lostUnfenced: 1, overlaps: 2 });
  });

  it('counts what the guard refused, and does not count it as written', () => {
    const refused = journal({ by: 'a', kind: 'refused-write', value: 1 });
    expect(judge(refused)).toMatchObject({ acknowledged: 0, staleRejected: 2 });
  });

  it('finds a smaller token granted to somebody who asked later', () => {
    const regressed = journal(
      { by: 'a', kind: 'read', fence: 9, at: 0 },
      { by: 'b', kind: 'read', fence: 5, at: 10 },
    );
    expect(judge(regressed)).toMatchObject({ regressions: 1, disorder: 1 });
  });

  it('calls nobody regressed who asked before the larger token was granted', () => {
    const waited = journal(
      { by: 'a', kind: 'read', fence: 9, at: 5 },
      { by: 'b', kind: 'read', fence: 5, at: 0 },
    );
    expect(judge(waited)).toMatchObject({ regressions: 0 });
  });

  it('lets a lease pass on inside its process, and judges when it was asked for', () => {
    const passedOn = journal(
      { by: 'a', kind: 'read', fence: 5, at: 0 },
      { by: 'b', kind: 'read', fence: 9, at: 3 },
      { by: 'a', kind: 'read', fence: 6, at: 7 },
    );
    expect(judge(passedOn)).toMatchObject({ regressions: 0 });
    const newlyGranted = passedOn.map((entry) =>
      entry.fence === 6 ? { ...entry, process: 'c' } : entry,
    );
    expect(judge(newlyGranted)).toMatchObject({ regressions: 1 });
  });

  it('finds a write between the two looks of a reader, and forgives another reader', () => {
    const writer: Touch = { by: 'w', kind: 'write', value: 1 };
    const look: Touch = { by: 'r', kind: 'read' };
    const other: Touch = { by: 's', kind: 'read' };
    expect(judge(journal(look, writer, look))).toMatchObject({ overlaps: 1 });
    expect(judge(journal(look, other, look, other))).toMatchObject({ overlaps: 0 });
  });
});

describe('concurrency', () => {
  it('counts the finished sections that were open at once', () => {
    const sections = journal(
      { by: 'a', kind: 'read' },
      { by: 'dead', kind: 'read' },
      { by: 'b', kind: 'read' },
      { by: 'b', kind: 'write' },
      { by: 'a', kind: 'write' },
    );
    expect(concurrency(sections)).toBe(2);
  });
});
