/** When a vote is decided, and what becomes of votes that come later. */
import { describe, expect, it } from '@jest/globals';
import type { RedlockNode, Vote } from './redlock-node.js';
import { type Count, majorityOf, poll } from './redlock-poll.js';
import { releaseOf, renewalOf, stateOf } from './redlock-verdicts.js';

interface FakeNode {
  readonly name: string;
  readonly silent: boolean;
}

const node = (name: string, silent = false): RedlockNode =>
  ({ name, silent }) satisfies FakeNode as unknown as RedlockNode;

/** A vote whose answers are given by hand. */
function byHand(nodes: readonly RedlockNode[]) {
  const voters = new Map<RedlockNode, (vote: Vote<boolean>) => void>();
  const after: string[] = [];
  let decision: string | undefined;
  const done = poll<boolean, string>(nodes, {
    ask: (voter) => new Promise((resolve) => voters.set(voter, resolve)),
    decide: ({ answers, open }) => {
      const yes = answers.filter(Boolean).length;
      if (yes >= majorityOf(nodes)) return 'won';
      return yes + open < majorityOf(nodes) ? 'lost' : undefined;
    },
    after: (vote) => after.push(`${vote.node.name} ${decision === undefined ? 'before' : 'late'}`),
  }).then((result) => (decision = result));
  const vote = async (index: number, answer: boolean | 'fault'): Promise<string | undefined> => {
    const voter = nodes[index] as RedlockNode;
    const given: Vote<boolean> =
      answer === 'fault' ? { node: voter, fault: 'gone', executed: 'no' } : { node: voter, answer };
    voters.get(voter)?.(given);
    await new Promise((resolve) => setImmediate(resolve));
    return decision;
  };
  return { vote, after, done, decided: () => decision };
}

const five = (...silent: number[]): RedlockNode[] =>
  Array.from({ length: 5 }, (_, index) => node(`n${index}`, silent.includes(index)));

describe('poll', () => {
  it('is decided by the majority, and waits for nobody else (mutation: Promise.all)', async () => {
    const { vote, after } = byHand(five());
    expect(await vote(4, true)).toBeUndefined();
    expect(await vote(1, 'fault')).toBeUndefined();
    expect(await vote(0, true)).toBeUndefined();
    expect(await vote(3, true)).toBe('won');
    expect(after).toEqual(['n4 before', 'n1 before', 'n0 before', 'n3 before']);
    await vote(2, true);
    expect(after.at(-1)).toBe('n2 late');
  });

  it('is lost as soon as no majority is possible', async () => {
    const { vote } = byHand(five());
    await vote(0, false);
    await vote(1, 'fault');
    expect(await vote(2, false)).toBe('lost');
  });

  // Mutation: silent masters count as open. Two that hang would delay every refusal.
  it('does not wait for masters that have fallen silent', async () => {
    const { vote } = byHand(five(0, 1));
    await vote(2, true);
    await vote(3, true);
    expect(await vote(4, false)).toBe('lost');
  });

  it('counts a silent master that does answer', async () => {
    const { vote } = byHand(five(0, 1));
    await vote(2, true);
    await vote(3, true);
    expect(await vote(0, true)).toBe('won');
  });

  // Mutation: silence always counts. After a pause of this process every vote would be lost unasked.
  it('waits for all when most are silent', async () => {
    const { vote, decided } = byHand(five(0, 1, 2));
    await new Promise((resolve) => setImmediate(resolve));
    expect(decided()).toBeUndefined();
    await vote(0, true);
    await vote(1, true);
    expect(await vote(2, true)).toBe('won');
  });
});

describe('verdicts', () => {
  const nodes = five();
  const fault = (index: number): Vote<never> => {
    return { node: nodes[index] as RedlockNode, fault: 'gone', executed: 'unknown' };
  };
  const count = <R>(answers: readonly R[], faults = 0, silent = 0): Count<R> => ({
    votes: [
      ...answers.map((answer, index) => ({ node: nodes[index] as RedlockNode, answer })),
      ...Array.from({ length: faults }, (_, index) => fault(4 - index)),
    ],
    answers,
    open: 5 - answers.length - faults - silent,
  });

  it.each([
    [[true, true, true], 0, 'deleted'],
    [[false, false, false], 0, 'absent'],
    [[true, true], 0, undefined],
    [[true, true, false], 2, 'unsure'],
    [[true, false, false, false], 1, 'absent'],
    [[true, true, false], 1, undefined],
  ])('a release answered %j with %i faults is %s', (answers, faults, reply) => {
    expect(releaseOf(count(answers, faults), nodes)).toBe(reply);
  });

  it('a release that a minority answered is not known', () => {
    const error = releaseOf(count([true, true], 3), nodes);
    expect(error).toMatchObject({ code: 'E_LOCK_BACKEND', executed: 'unknown' });
    expect(String(error)).toContain('2 of 5 masters answered, 3 are needed (n4: gone;');
  });

  it.each([
    [[true, true, true], 0, true],
    [[false, false, false], 0, false],
    [[true, true, false, false], 0, undefined],
  ])('a renewal answered %j with %i faults is %s', (answers, faults, value) => {
    const given = answers.map((answer) => [answer]);
    const result = renewalOf(count(given, faults), 0, nodes);
    expect(result).toEqual(value === undefined ? undefined : { status: 'fulfilled', value });
  });

  // Mutation: not renewed means lost. A holder would lose its lock to two masters that restart.
  it('a renewal without a majority of either kind is tried again', () => {
    const result = renewalOf(count([[true], [true], [false]], 2), 0, nodes);
    expect(result).toMatchObject({ status: 'rejected' });
  });

  it('a holder is who has a majority, for as long as he has it', () => {
    const votes = [30, 10, 20, 40].map((remainingMs) => ({ owner: 'p:1', remainingMs }));
    expect(stateOf(count(votes), nodes)).toMatchObject({
      state: { owner: 'p:1', remainingMs: 20 },
    });
  });

  it('nobody holds what nobody can have a majority of', () => {
    const [p, q] = ['p:1', 'q:1'].map((owner) => ({ owner, remainingMs: 9 }));
    expect(stateOf(count([p, q, null] as never), nodes)).toBeUndefined();
    expect(stateOf(count([p, q, null, p] as never), nodes)).toBeUndefined();
    expect(stateOf(count([p, q, null, q] as never, 1), nodes)).toMatchObject({
      code: 'E_LOCK_BACKEND',
    });
    expect(stateOf(count([p, q, null, null] as never), nodes)).toEqual({ state: null });
  });
});
