/** The plan is the same for every run, and a correct client can always get through. */
import { describe, expect, it } from '@jest/globals';
import { FaultPlan, type ProviderBehaviour } from './fault-plan.js';

const REFERENCES = 200;

function failed(behaviour: ProviderBehaviour): boolean {
  return behaviour !== 'serve' && behaviour !== 'slow';
}

describe('FaultPlan', () => {
  const everything = (plan: FaultPlan): ProviderBehaviour[][] =>
    Array.from({ length: REFERENCES }, (_, index) =>
      [1, 2, 3].map((attempt) => plan.behaviour(index, attempt)),
    );

  it('depends on seed, reference and attempt only', () => {
    expect(everything(new FaultPlan(7))).toEqual(everything(new FaultPlan(7)));
    expect(everything(new FaultPlan(7))).not.toEqual(everything(new FaultPlan(8)));
  });

  it('never spoils three attempts in a row', () => {
    expect(everything(new FaultPlan()).every((attempts) => attempts[2] === 'serve')).toBe(true);
  });

  it('holds every fault in every twenty references, so that no naive run is lucky', () => {
    const first = everything(new FaultPlan()).map(([attempt]) => attempt);
    for (let block = 0; block < REFERENCES / 20; block++)
      expect(new Set(first.slice(block * 20, block * 20 + 20))).toEqual(
        new Set(['serve', 'refuse', 'reset-before', 'reset-after', 'hang', 'slow']),
      );
  });

  it('keeps the failed share of calls well below half in any window of twenty references', () => {
    const attempts = everything(new FaultPlan()).map((planned) => {
      const end = planned.findIndex((behaviour) => !failed(behaviour));
      return planned.slice(0, end + 1);
    });
    for (let start = 0; start + 20 <= attempts.length; start++) {
      const calls = attempts.slice(start, start + 20).flat();
      expect(calls.filter(failed).length / calls.length).toBeLessThan(0.45);
    }
  });

  it('spoils the second attempt of some references', () => {
    const twice = everything(new FaultPlan()).filter(([, second]) => second !== 'serve');
    expect(twice.length).toBeGreaterThan(0);
  });
});
