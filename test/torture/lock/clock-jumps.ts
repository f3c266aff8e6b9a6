/** A wall clock that somebody keeps setting: the library must not notice. */
import type { SeededRandom } from '../seeded-random.js';

const EVERY_MS = 50;

/** Moves `Date` of this process by up to `mostMs` to and fro, again and again. */
export function jumpWallClock(mostMs: number, random: SeededRandom): void {
  const realNow = Date.now.bind(Date);
  let shift = random.pick([-mostMs, 0, mostMs]);
  Date.now = () => realNow() + shift;
  setInterval(() => {
    shift = random.pick([-mostMs, 0, mostMs]);
  }, EVERY_MS).unref();
}
