/**
 * Sequences of keys in the shapes of the public cache traces, made from a seed: what a replacement
 * policy is judged by.
 */

/** A seeded generator of numbers in [0, 1) (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Ranks from 0 on, the smaller the more often. */
export function zipf(ranks: number, exponent: number, random: () => number): () => number {
  const sums = new Float64Array(ranks);
  let sum = 0;
  for (let rank = 0; rank < ranks; rank++) sums[rank] = sum += 1 / (rank + 1) ** exponent;
  return () => {
    const wanted = random() * sum;
    let low = 0;
    let high = ranks - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

/** A shape, with the size of the cache it is meant for. */
export interface CacheTrace {
  readonly name: string;
  readonly size: number;
  /** Endless. */
  keys(): Generator<number>;
}

function* zipfian(exponent: number, seed: number): Generator<number> {
  const draw = zipf(100_000, exponent, seeded(seed));
  for (;;) yield draw();
}

/** Keys in the hundred millions: of no other part of a trace. */
const ELSEWHERE = 100_000_000;

/** Shapes without the past repeating itself: what is wanted often stays wanted often. */
export const FREQUENCY_TRACES: readonly CacheTrace[] = [
  { name: 'Zipf .99 of 100,000', size: 1_000, keys: () => zipfian(0.99, 1) },
  { name: 'Zipf .8 of 100,000', size: 5_000, keys: () => zipfian(0.8, 2) },
  {
    name: 'Zipf .9 with scans of 2,000 keys',
    size: 5_000,
    *keys() {
      const random = seeded(3);
      const draw = zipf(100_000, 0.9, random);
      for (let next = ELSEWHERE; ;) {
        if (random() < 1 / 5_000) for (let end = next + 2_000; next < end; next++) yield next;
        else yield draw();
      }
    },
  },
  {
    name: 'a loop of 1,111 keys',
    size: 1_000,
    *keys() {
      for (let step = 0; ; step++) yield step % 1_111;
    },
  },
];

/** Shapes where the past says little: what was wanted a moment ago is wanted now. */
export const RECENCY_TRACES: readonly CacheTrace[] = [
  {
    name: 'Zipf .99 whose ranks move by 100 every 10,000 uses',
    size: 10_000,
    *keys() {
      const draw = zipf(100_000, 0.99, seeded(4));
      for (let step = 0; ; step++) yield draw() + Math.floor(step / 10_000) * 100;
    },
  },
  {
    name: 'Zipf .99 of which half changes every 100,000 uses',
    size: 1_000,
    *keys() {
      const draw = zipf(100_000, 0.99, seeded(5));
      for (let step = 0; ; step++) yield draw() + Math.floor(step / 100_000) * 50_000;
    },
  },
  {
    name: 'written, read at once, read again much later (as the Corda trace)',
    size: 512,
    *keys() {
      for (let step = 0; ; step++) {
        yield step;
        yield step;
        yield Math.max(0, step - 5_000);
      }
    },
  },
];

/** Where S3-FIFO is the worse choice: used again once or twice, later than a tenth of the cache ago. */
export const MIDDLE_DISTANCE_TRACE: CacheTrace = {
  name: 'three uses within 150 new keys, then never again',
  size: 512,
  *keys() {
    const random = seeded(6);
    const recent: number[] = [];
    for (let next = 0; ;) {
      if (recent.length > 0 && random() < 2 / 3)
        yield recent[Math.floor(random() * recent.length)]!;
      else {
        recent.unshift(next);
        if (recent.length > 150) recent.pop();
        yield next++;
      }
    }
  },
};
