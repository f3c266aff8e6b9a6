/**
 * Random trees of scopes, run concurrently against a real table and judged by a model: whatever the
 * calls nest, join, fail or swallow, the committed rows are exactly those of the scopes that were kept.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  Boom,
  createTransactionFixture,
  type TransactionFixture,
} from '../../../../test/support/transaction.fixture.js';
import { isDistributedError } from '../distributed.errors.js';
import { Propagation } from './index.js';

type Step =
  | { readonly kind: 'write' }
  | { readonly kind: 'pause' }
  | { readonly kind: 'call'; readonly call: Call; readonly caught: boolean };

interface Call {
  readonly propagation: 'REQUIRED' | 'NESTED' | 'REQUIRES_NEW' | 'NOT_SUPPORTED';
  readonly steps: readonly Step[];
  /** Whether the steps run in one `Promise.all`. */
  readonly parallel: boolean;
  readonly throws: boolean;
}

/** What the model says about one call. */
interface Verdict {
  /** Rows that share the fate of the surrounding scope. */
  readonly joined: readonly string[];
  readonly failed: boolean;
  /** Whether the surrounding scope can only roll back. */
  readonly dooms: boolean;
}

const { call } = fc.letrec<{ call: Call; step: Step }>((tie) => ({
  step: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    { weight: 4, arbitrary: fc.constant<Step>({ kind: 'write' }) },
    { weight: 1, arbitrary: fc.constant<Step>({ kind: 'pause' }) },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('call' as const),
        call: tie('call'),
        caught: fc.boolean(),
      }),
    },
  ),
  call: fc.record({
    propagation: fc.constantFrom<Call['propagation'][]>(
      'REQUIRED',
      'NESTED',
      'REQUIRES_NEW',
      'NOT_SUPPORTED',
    ),
    steps: fc.array(tie('step'), { maxLength: 4 }),
    parallel: fc.boolean(),
    throws: fc.nat(4).map((n) => n === 0),
  }),
}));

/** A call inside NOT_SUPPORTED has no scope around it; then each opener is a transaction of its own. */
function judge(node: Call, path: string, inTransaction: boolean, kept: string[]): Verdict {
  const isOutside = node.propagation === 'NOT_SUPPORTED';
  const opens = !isOutside && (node.propagation !== 'REQUIRED' || !inTransaction);
  const rows: string[] = [];
  let failed = false;
  let doomed = false;
  for (const [index, step] of node.steps.entries()) {
    const here = `${path}.${index}`;
    if (step.kind === 'write') rows.push(here);
    if (step.kind === 'call') {
      const inner = judge(step.call, here, !isOutside, kept);
      rows.push(...inner.joined);
      doomed ||= inner.dooms;
      failed ||= inner.failed && !step.caught;
    }
    if (failed && !node.parallel) break;
  }
  failed ||= node.throws;
  if (isOutside) {
    kept.push(...rows);
    return { joined: [], failed, dooms: false };
  }
  if (!opens) return { joined: rows, failed, dooms: failed || doomed };
  const isKept = !failed && !doomed;
  const isSavepoint = node.propagation === 'NESTED' && inTransaction;
  if (isKept && !isSavepoint) kept.push(...rows);
  return { joined: isKept && isSavepoint ? rows : [], failed: !isKept, dooms: false };
}

describe('random trees of scopes', () => {
  let f: TransactionFixture;

  beforeAll(async () => {
    f = await createTransactionFixture({ pool: 40 });
  });
  afterAll(() => f.close());

  async function play(node: Call, path: string): Promise<void> {
    const steps = node.steps.map((step, index) => async (): Promise<void> => {
      const here = `${path}.${index}`;
      if (step.kind === 'write')
        await f.dataSource.query('INSERT INTO note (text) VALUES ($1)', [here]);
      if (step.kind === 'pause') await f.observe('SELECT 1');
      if (step.kind === 'call') {
        const inner = play(step.call, here);
        await (step.caught ? inner.catch(expected) : inner);
      }
    });
    await f.transactions.run(
      async () => {
        if (node.parallel) {
          // All settle before the body does: a race between failure and siblings has no single answer.
          const results = await Promise.allSettled(steps.map((step) => step()));
          for (const result of results) if (result.status === 'rejected') throw result.reason;
        } else for (const step of steps) await step();
        if (node.throws) throw new Boom(path);
      },
      { propagation: Propagation[node.propagation] },
    );
  }

  function expected(error: unknown): void {
    const known =
      error instanceof Boom || isDistributedError(error, 'E_TRANSACTION_UNEXPECTED_ROLLBACK');
    if (!known) throw error;
  }

  it('the table agrees with the model, and nothing leaks', async () => {
    let trees = 0;
    const property = fc.asyncProperty(
      fc.array(call, { minLength: 1, maxLength: 3 }),
      async (roots) => {
        const run = `t${trees++}`;
        const kept: string[] = [];
        const verdicts = roots.map((root, n) => judge(root, `${run}r${n}`, false, kept));
        const results = await Promise.allSettled(roots.map((root, n) => play(root, `${run}r${n}`)));
        for (const result of results) if (result.status === 'rejected') expected(result.reason);
        expect(results.map((result) => result.status === 'rejected')).toEqual(
          verdicts.map((verdict) => verdict.failed),
        );
        const rows = await f.observe(
          `SELECT text FROM note WHERE text LIKE '${run}r%' ORDER BY text COLLATE "C"`,
        );
        expect(rows.map((row) => String(row['text']))).toEqual(kept.toSorted());
      },
    );
    await fc.assert(property, { numRuns: 150 });
    await f.expectClean();
  });
});
