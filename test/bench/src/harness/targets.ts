/** What we want to reach, and whether we did. */
import { figureAt, type Figures } from './figures.js';

/** A bound for one figure of ours. */
export interface Target {
  /** Dotted name. */
  readonly metric: string;
  readonly bound: number;
  /** Default `'at most'`. */
  readonly kind?: 'at most' | 'exactly';
}

/** `not measured` when its part did not run. */
export type Verdict = 'met' | 'missed' | 'not measured';

/** Whether the target was reached. */
export function verdictOf(target: Target, figures: Figures): Verdict {
  const value = figureAt(figures, target.metric);
  if (value === undefined) return 'not measured';
  const met = target.kind === 'exactly' ? value === target.bound : value <= target.bound;
  return met ? 'met' : 'missed';
}

/** The bound as people write it. */
export function boundOf({ bound, kind }: Target): string {
  return `${kind === 'exactly' ? '=' : '≤'} ${bound}`;
}
