/** When a value is refreshed before it expires, so that nobody has to wait for the load. */

/** `beta`: XFetch, the dearer the load the earlier; `at`: at a fraction of the lifetime. */
export type RefreshAhead = { readonly beta: number } | { readonly at: number } | false;

/** What is known of one value. */
export interface RefreshFacts {
  readonly now: number;
  readonly freshUntil: number;
  /** How long the load took, in milliseconds. */
  readonly loadMs: number;
  /** Uniform in [0, 1). */
  readonly random: number;
}

/**
 * When to refresh, on the clock of `now`. With `beta` it is drawn once per node and value, as in
 * "Optimal Probabilistic Cache Stampede Prevention" (Vattani, Chierichetti, Lowenstein, VLDB 2015):
 * expiry − δ · β · (−ln u). A hit then costs one comparison.
 */
export function refreshTime(ahead: RefreshAhead, facts: RefreshFacts): number {
  const { now, freshUntil, loadMs, random } = facts;
  if (ahead === false) return freshUntil;
  if ('at' in ahead) return now + (freshUntil - now) * ahead.at;
  return freshUntil + loadMs * ahead.beta * Math.log(1 - random);
}
