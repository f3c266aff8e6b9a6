/** Decides whether a run proved what it claims: the rule behind the exit code. */
import type { Outcome } from '../scenarios/scenario.js';

/** Both runs of a scenario. */
export interface ScenarioResult {
  readonly name: string;
  readonly pitfall: string;
  readonly counted: string;
  readonly definition: string;
  readonly without: Outcome;
  readonly with: Outcome;
}

/**
 * Why the run is not a success; empty when it is one. The protected runs must be clean, and a
 * scenario must have shown the pitfall: a naive run without a violation proves nothing, and so does
 * a protected run that got no work done.
 */
export function objections(results: readonly ScenarioResult[]): string[] {
  if (results.length === 0) return ['no scenario was run'];
  return results.flatMap(({ name, without, with: protectedRun }) => [
    ...(protectedRun.violations === 0
      ? []
      : [`${name}: ${protectedRun.violations} violations with decorators`]),
    ...(protectedRun.succeeded > 0 ? [] : [`${name}: nothing succeeded with decorators`]),
    ...(without.violations > 0
      ? []
      : [`${name}: no violation without decorators, so the scenario proved nothing`]),
  ]);
}
