/** The exit rule: only a run that shows the pitfall and the cure is a success. */
import { describe, expect, it } from '@jest/globals';
import type { Outcome } from '../scenarios/scenario.js';
import { report } from './json.reporter.js';
import { table } from './table.reporter.js';
import { objections, type ScenarioResult } from './verdict.js';

function outcome(violations: number, succeeded = 10): Outcome {
  return { counts: { found: violations }, violations, succeeded, summary: '' };
}

function result(without: Outcome, protectedRun: Outcome): ScenarioResult {
  return { name: 'x', pitfall: 'p', counted: 'what', definition: 'd', without, with: protectedRun };
}

describe('objections', () => {
  it('has none when only the naive run is broken', () => {
    expect(objections([result(outcome(3), outcome(0))])).toEqual([]);
  });

  it('objects to a violation with decorators', () => {
    expect(objections([result(outcome(3), outcome(1))])).toEqual([
      'x: 1 violations with decorators',
    ]);
  });

  it('objects to a clean naive run: the scenario proved nothing', () => {
    expect(objections([result(outcome(0), outcome(0))])).toEqual([
      'x: no violation without decorators, so the scenario proved nothing',
    ]);
  });

  it('objects to a protected run that is clean because nothing worked', () => {
    expect(objections([result(outcome(3), outcome(0, 0))])).toEqual([
      'x: nothing succeeded with decorators',
    ]);
  });

  it('objects to a figure that is not a number, which is neither clean nor broken', () => {
    expect(objections([result(outcome(Number.NaN), outcome(Number.NaN))])).toHaveLength(2);
  });

  it('objects to an empty run', () => {
    expect(objections([])).toHaveLength(1);
  });
});

describe('report', () => {
  it('has the published shape', () => {
    const facts = report([result(outcome(3), outcome(0))], new Date());
    expect(facts).toMatchObject({
      ok: true,
      objections: [],
      scenarios: [
        {
          name: 'x',
          without: { found: 3 },
          with: { found: 0 },
          violations: { without: 3, with: 0 },
        },
      ],
    });
  });
});

describe('table', () => {
  it('aligns figures to the right', () => {
    expect(table([result(outcome(180), outcome(0))]).split('\n')).toEqual([
      '  pitfall  what is counted  without  with',
      '  ───────  ───────────────  ───────  ────',
      '  x        what                 180     0',
    ]);
  });
});
