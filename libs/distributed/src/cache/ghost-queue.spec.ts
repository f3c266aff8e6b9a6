/** The ghosts of S3-FIFO: the last ones are remembered, older ones are not. */
import { describe, expect, it } from '@jest/globals';
import { GhostQueue } from './ghost-queue.js';

describe('GhostQueue', () => {
  it('remembers a key until so many others have left, once', () => {
    const ghosts = new GhostQueue();
    for (let key = 0; key < 20; key++) ghosts.add(key, 10);
    expect(ghosts.take(19, 10)).toBe(true);
    expect(ghosts.take(19, 10)).toBe(false);
    expect(ghosts.take(10, 10)).toBe(true);
    expect(ghosts.take(9, 10)).toBe(false);
  });

  it('tells 1 from "1" and true from "true"', () => {
    const ghosts = new GhostQueue();
    ghosts.add(1, 10);
    ghosts.add('true', 10);
    expect(['1', true].map((key) => ghosts.take(key, 10))).toEqual([false, false]);
    expect([1, 'true'].map((key) => ghosts.take(key, 10))).toEqual([true, true]);
  });

  it('grows with what it is to remember and no further, and keeps nearly all of it', () => {
    const ghosts = new GhostQueue();
    for (let key = 0; key < 200_000; key++) ghosts.add(`key-${key}`, 9_000);
    expect(ghosts.capacity).toBe(16_384);
    let known = 0;
    for (let key = 191_000; key < 200_000; key++) if (ghosts.take(`key-${key}`, 9_000)) known++;
    expect(known).toBeGreaterThan(0.85 * 9_000);
    let strangers = 0;
    for (let key = 0; key < 100_000; key++) if (ghosts.take(`key-${key}`, 9_000)) strangers++;
    expect(strangers).toBe(0);
  });

  it('forgets everything when told to, and takes no memory until it is needed', () => {
    const ghosts = new GhostQueue();
    expect(ghosts.capacity).toBe(0);
    ghosts.add('a', 10);
    ghosts.clear();
    expect(ghosts.take('a', 10)).toBe(false);
    expect(ghosts.capacity).toBe(0);
  });
});
