/** Decides which attempts at the payment provider go wrong, and how: the same for every run. */

/** What the provider does with one attempt. */
export type ProviderBehaviour =
  /** Charge, and answer at once. */
  | 'serve'
  /** Answer 503 without charging. */
  | 'refuse'
  /** Cut the connection without charging. */
  | 'reset-before'
  /** Charge, then cut the connection instead of answering. */
  | 'reset-after'
  /** Never answer, and do not charge. */
  | 'hang'
  /** Charge, and answer late. */
  | 'slow';

/** Each fault appears once among this many references in a row. */
const BLOCK_SIZE = 20;

/**
 * The faulted references of a block, by kind of first attempt. Six in twenty: below the half that
 * opens a circuit breaker, and spread evenly so that no window of calls holds many more.
 */
const FAULTS: readonly ProviderBehaviour[] = [
  'reset-after',
  'refuse',
  'slow',
  'hang',
  'reset-before',
  'reset-after',
];

/** A client that tries three times always succeeds: at most two attempts in a row go wrong. */
const MAX_FAULTS_IN_A_ROW = 2;

/**
 * A seeded plan. The behaviour depends on the reference's number and the attempt only, never on
 * time or on the order of arrival, so the naive and the protected run meet the same faults.
 */
export class FaultPlan {
  readonly #seed: number;

  constructor(seed = 1) {
    this.#seed = seed;
  }

  /** What happens to the `attempt`-th attempt (from 1) at the `index`-th reference (from 0). */
  behaviour(index: number, attempt: number): ProviderBehaviour {
    if (attempt > MAX_FAULTS_IN_A_ROW) return 'serve';
    const block = Math.floor(index / BLOCK_SIZE);
    const place = this.#shuffled(block).indexOf(index % BLOCK_SIZE);
    const fault = FAULTS[place];
    if (!fault) return 'serve';
    if (attempt === 1) return fault;
    // One faulted reference in three meets a second fault, of another kind.
    return place % 3 === 0 ? (FAULTS[(place + 1) % FAULTS.length] ?? 'serve') : 'serve';
  }

  /** A permutation of the places of a block (Fisher–Yates with a seeded generator). */
  #shuffled(block: number): number[] {
    const places = Array.from({ length: BLOCK_SIZE }, (_, place) => place);
    let state = (this.#seed * 2_654_435_761 + block * 40_503 + 1) >>> 0;
    for (let last = places.length - 1; last > 0; last--) {
      // Numerical Recipes' linear congruential generator; its high bits are good enough here.
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      const other = Math.floor((state / 2 ** 32) * (last + 1));
      const kept = places[last] ?? 0;
      places[last] = places[other] ?? 0;
      places[other] = kept;
    }
    return places;
  }
}
