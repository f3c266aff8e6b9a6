import { describe, expect, it } from '@jest/globals';
import { checkHistory, type Operation, type SequentialModel } from './linearizability.js';
import { fencedMutex, type MutexInput, operationsOf } from './lock/fenced-mutex.js';
import type { HistoryEvent } from './lock/worker-contract.js';

type Register = { readonly write: number } | { readonly read: number };

const register: SequentialModel<number, Register> = {
  initial: 0,
  key: String,
  step: (state, input) => {
    if ('write' in input) return [input.write];
    return input.read === state ? [state] : [];
  },
};

const during = <I>(calledAt: number, returnedAt: number, input: I): Operation<I> => ({
  calledAt,
  returnedAt,
  input,
});

describe('a register', () => {
  const verdict = (...operations: Operation<Register>[]) => checkHistory(register, operations);

  it('may be written and read in turn', () => {
    expect(verdict()).toBe('linearizable');
    expect(verdict(during(0, 1, { write: 1 }), during(2, 3, { read: 1 }))).toBe('linearizable');
  });

  it('must not answer with what was there before', () => {
    expect(verdict(during(0, 1, { write: 1 }), during(2, 3, { read: 0 }))).toBe('not-linearizable');
  });

  it('may answer with either value while it is written, but not go back', () => {
    const write = during(0, 10, { write: 1 });
    expect(verdict(write, during(1, 2, { read: 0 }), during(3, 4, { read: 1 }))).toBe(
      'linearizable',
    );
    expect(verdict(write, during(1, 2, { read: 1 }), during(3, 4, { read: 0 }))).toBe(
      'not-linearizable',
    );
  });

  it('tries more than the order of the calls (mutation: no backtracking)', () => {
    expect(
      verdict(during(0, 10, { write: 1 }), during(1, 9, { write: 2 }), during(11, 12, { read: 1 })),
    ).toBe('linearizable');
  });

  it('may have taken a write that never returned, now, later or not at all', () => {
    const lost = during(0, Infinity, { write: 1 });
    expect(verdict(lost, during(1, 2, { read: 0 }), during(3, 4, { read: 1 }))).toBe(
      'linearizable',
    );
    expect(verdict(lost, during(1, 2, { read: 0 }), during(3, 4, { read: 0 }))).toBe(
      'linearizable',
    );
  });

  it('says so when its budget is not enough', () => {
    expect(checkHistory(register, [during(0, 1, { write: 1 })], 0)).toBe('unknown');
  });

  it('remembers what it tried (mutation: no memoisation)', () => {
    // 14 writes at the same time and a read of none of them: 14! orders, 2^14 sets.
    const writes = Array.from({ length: 14 }, (_, n) => during(0, 10, { write: n % 2 }));
    expect(checkHistory(register, [...writes, during(11, 12, { read: 7 })], 500_000)).toBe(
      'not-linearizable',
    );
  });
});

describe('a fenced mutex', () => {
  const verdict = (...operations: Operation<MutexInput>[]) => checkHistory(fencedMutex, operations);
  const acquire = (calledAt: number, returnedAt: number, id: string, fence: number) =>
    during<MutexInput>(calledAt, returnedAt, { kind: 'acquire', id, fence });
  const release = (calledAt: number, returnedAt: number, id: string) =>
    during<MutexInput>(calledAt, returnedAt, { kind: 'release', id });
  const expire = (calledAt: number, id: string) =>
    during<MutexInput>(calledAt, Infinity, { kind: 'expire', id });

  it('passes from one holder to the next', () => {
    expect(
      verdict(acquire(0, 1, 'a', 1), acquire(0, 4, 'b', 2), release(2, 3, 'a'), release(5, 6, 'b')),
    ).toBe('linearizable');
  });

  it('has no two holders', () => {
    expect(verdict(acquire(0, 1, 'a', 1), acquire(2, 3, 'b', 2), release(4, 5, 'a'))).toBe(
      'not-linearizable',
    );
  });

  it('never gives a token again, or a smaller one', () => {
    for (const fence of [1, 2]) {
      expect(verdict(acquire(0, 1, 'a', 2), release(2, 3, 'a'), acquire(4, 5, 'b', fence))).toBe(
        'not-linearizable',
      );
    }
  });

  it('follows a dead holder after its deadline, not before', () => {
    const dead = acquire(0, 1, 'a', 1);
    expect(verdict(dead, expire(10, 'a'), acquire(2, 12, 'b', 2))).toBe('linearizable');
    expect(verdict(dead, expire(10, 'a'), acquire(2, 9, 'b', 2))).toBe('not-linearizable');
  });

  it('is not freed by a holder that has lost it', () => {
    const lateRelease = during<MutexInput>(13, 14, { kind: 'release-lost', id: 'a' });
    const history = [acquire(0, 1, 'a', 1), expire(10, 'a'), acquire(11, 12, 'b', 2), lateRelease];
    expect(verdict(...history, release(20, 21, 'b'))).toBe('linearizable');
    expect(verdict(...history, acquire(15, 16, 'c', 3), release(20, 21, 'b'))).toBe(
      'not-linearizable',
    );
  });

  it('may or may not be held by a caller that died while it asked', () => {
    const unknown = during<MutexInput>(0, Infinity, { kind: 'acquire-unknown', id: 'a' });
    expect(verdict(unknown, expire(0, 'a'), acquire(1, 2, 'b', 1))).toBe('linearizable');
  });
});

describe('what processes tell', () => {
  const told = (...events: HistoryEvent[]) => checkHistory(fencedMutex, operationsOf(events));
  const acquired = (id: string, at: number, fence: number, deadline: number): HistoryEvent[] => [
    { type: 'acquire', id, key: 'k', at: at - 1 },
    { type: 'acquired', id, key: 'k', at, fence, deadline },
  ];

  it('becomes a holder whose lease ends at the last deadline it told', () => {
    const renewed: HistoryEvent = { type: 'held', id: 'a', key: 'k', deadline: 30 };
    expect(told(...acquired('a', 1, 1, 10), ...acquired('b', 20, 2, 40))).toBe('linearizable');
    expect(told(...acquired('a', 1, 1, 10), renewed, ...acquired('b', 20, 2, 40))).toBe(
      'not-linearizable',
    );
  });

  it('becomes a loss that must not come before the deadline', () => {
    const lost: HistoryEvent[] = [
      { type: 'release', id: 'a', key: 'k', at: 8 },
      { type: 'released', id: 'a', key: 'k', at: 9, outcome: 'already-lost' },
    ];
    expect(told(...acquired('a', 1, 1, 10), ...acquired('b', 5, 2, 20), ...lost)).toBe(
      'not-linearizable',
    );
    expect(told(...acquired('a', 1, 1, 4), ...acquired('b', 5, 2, 20), ...lost)).toBe(
      'linearizable',
    );
  });

  it('leaves out waits that were refused', () => {
    const refused: HistoryEvent[] = [
      { type: 'acquire', id: 'b', key: 'k', at: 2 },
      { type: 'refused', id: 'b', key: 'k', at: 3 },
    ];
    expect(told(...acquired('a', 1, 1, 10), ...refused)).toBe('linearizable');
  });
});
