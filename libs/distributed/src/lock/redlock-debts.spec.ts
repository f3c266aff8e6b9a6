/** Votes to be taken back: for how long a master is asked, and for which numbers. */
import { describe, expect, it } from '@jest/globals';
import { FakeClock } from '../testing/index.js';
import { type Debt, RedlockDebts } from './redlock-debts.js';
import type { RedlockNode } from './redlock-node.js';

interface Call {
  readonly args: readonly unknown[];
}

/** A master whose answers are given by hand. */
class FakeMaster {
  /** What it says to each release: true when the vote was there. */
  answer: boolean | 'gone' = true;
  isDoubtful = false;
  readonly numbers: unknown[] = [];
  readonly keeps: unknown[] = [];
  readonly doubtfulSince = (): boolean => this.isDoubtful;

  readonly askAll = async (_script: unknown, calls: readonly Call[]): Promise<unknown> => {
    if (this.answer === 'gone') return { fault: 'gone', executed: 'no' };
    this.numbers.push(...calls.map(({ args }) => args[1]));
    this.keeps.push(...calls.map(({ args }) => args[2]));
    return { answer: calls.map(() => this.answer) };
  };
}

function setUp() {
  const [clock, master] = [new FakeClock(), new FakeMaster()];
  const debts = new RedlockDebts(master as unknown as RedlockNode, clock, 50);
  const add = (more: Partial<Debt> = {}): void =>
    debts.add({ key: 'k', owner: 'p:1', number: 2, since: 0, until: 1_000, ...more });
  return { clock, master, debts, add };
}

describe('RedlockDebts', () => {
  it('is done when the vote was there', async () => {
    const { clock, master, debts, add } = setUp();
    add();
    await clock.advance(1_000);
    expect([master.numbers, debts.size, clock.pendingTimers]).toEqual([[2], 0, 0]);
  });

  it('is done when it was not there, and nothing can come any more', async () => {
    const { clock, master, debts, add } = setUp();
    master.answer = false;
    add();
    await clock.advance(1_000);
    expect([master.numbers, debts.size]).toEqual([[2], 0]);
  });

  // Mutation: absent is final. An acquisition that is still on its way would stay for its lease.
  it('asks again while an acquisition may be on its way, and not longer than the lease', async () => {
    const { clock, master, debts, add } = setUp();
    Object.assign(master, { answer: false, isDoubtful: true });
    add();
    await clock.advance(900);
    expect(master.numbers.length).toBeGreaterThan(3);
    expect(debts.size).toBe(1);
    await clock.advance(2_000);
    expect([debts.size, clock.pendingTimers]).toEqual([0, 0]);
  });

  it('waits for a master that is gone', async () => {
    const { clock, master, debts, add } = setUp();
    master.answer = 'gone';
    add();
    await clock.advance(500);
    expect(debts.size).toBe(1);
    master.answer = true;
    await clock.advance(500);
    expect([master.numbers, debts.size]).toEqual([[2], 0]);
  });

  // Mutation: the last one wins.
  it('takes back both of two votes of one owner, whichever it learns of first', async () => {
    const { clock, master, add } = setUp();
    master.answer = 'gone';
    for (const number of [7, 5]) add({ number });
    master.answer = true;
    await clock.advance(1_000);
    expect(master.numbers).toEqual([7]);
  });

  it('keeps the lock for what is left of the time it was to be kept', async () => {
    const { clock, master, add } = setUp();
    master.answer = 'gone';
    add({ keepUntil: 800 });
    await clock.advance(50);
    master.answer = true;
    await clock.advance(900);
    expect(master.keeps).toHaveLength(1);
    expect(master.keeps[0]).toBeGreaterThan(0);
    expect(master.keeps[0]).toBeLessThan(800);
  });

  it('lets those behind it have their turn', async () => {
    const { clock, master, debts, add } = setUp();
    Object.assign(master, { answer: false, isDoubtful: true });
    for (let n = 1; n <= 250; n++) add({ owner: `p:${n}`, number: n });
    await clock.advance(900);
    expect(new Set(master.numbers).size).toBe(250);
    debts.stop();
    expect([debts.size, clock.pendingTimers]).toEqual([0, 0]);
  });
});
