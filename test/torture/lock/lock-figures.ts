/** The figures of one run of the lock room, and the rules they obey in each. */

/** Taken at the protected resource. */
export interface Figures {
  /** Writes the resource accepted under its guard. */
  readonly acknowledged: number;
  /** Updates that an acknowledged write overwrote without having read them, with the guard. */
  readonly lostFenced: number;
  /** The same load at a resource without a guard. */
  readonly lostUnfenced: number;
  /** Reads and writes with an old fencing token that the guard refused. */
  readonly staleRejected: number;
  /** Operations that did not settle within their limits. */
  readonly hangs: number;
  /** Rejections and exceptions nobody handled, processes that ended by themselves. */
  readonly unhandled: number;
}

/** The rules that hold for every run. */
export function commonViolations(figures: Figures): string[] {
  const rules: [boolean, string][] = [
    [figures.acknowledged === 0, 'nothing was acknowledged'],
    [figures.lostFenced > 0, `${figures.lostFenced} fenced updates lost`],
    [figures.hangs > 0, `${figures.hangs} operations hung`],
    [figures.unhandled > 0, `${figures.unhandled} unhandled rejections or crashes`],
  ];
  return rules.flatMap(([broken, text]) => (broken ? [text] : []));
}
