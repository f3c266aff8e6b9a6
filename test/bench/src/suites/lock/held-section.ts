/** Turns "run this under the lock" into a lock that is held until told otherwise. */
import type { Release } from './contender.js';

/**
 * @param using the library's own way: runs a body that may learn from a signal that the lock is lost
 * @returns when the lock is held
 */
export function heldSection(
  using: (body: (signal: AbortSignal) => Promise<void>) => Promise<unknown>,
  onLost: () => void,
): Promise<Release> {
  return new Promise((resolve, reject) => {
    const ended = using(
      (signal) =>
        new Promise<void>((end) => {
          signal.addEventListener('abort', onLost, { once: true });
          resolve(async () => {
            end();
            // A library may complain that the lock is gone: that is what we have brought about.
            await ended.catch(() => {});
          });
        }),
    );
    ended.catch(reject);
  });
}
