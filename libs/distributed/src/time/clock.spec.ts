import { describe, expect, it } from '@jest/globals';
import { SystemClock, SystemRandom } from './clock.js';

describe('SystemClock', () => {
  const clock = new SystemClock();

  it('sleeps no shorter than asked, on a clock that never goes back', async () => {
    const start = clock.now();
    await clock.sleep(5);
    // Timers of the platform count whole milliseconds.
    expect(clock.now() - start).toBeGreaterThanOrEqual(4);
  });

  it('stops sleeping when the signal aborts, with its reason', async () => {
    const controller = new AbortController();
    const sleeping = clock.sleep(60_000, controller.signal);
    controller.abort(new Error('enough'));
    await expect(sleeping).rejects.toThrow('enough');
    await expect(clock.sleep(60_000, controller.signal)).rejects.toThrow('enough');
  });

  it('does not fire a very long timer at once (setTimeout overflows at 2^31 ms)', async () => {
    let fired = false;
    const timer = clock.setTimer(() => (fired = true), 2 ** 40);
    await clock.sleep(5);
    timer.cancel();
    expect(fired).toBe(false);
  });
});

describe('SystemRandom', () => {
  it('draws 128-bit tokens', () => {
    const random = new SystemRandom();
    const tokens = new Set(Array.from({ length: 1_000 }, () => random.token()));
    expect(tokens.size).toBe(1_000);
    expect([...tokens][0]).toMatch(/^[\w-]{22}$/);
  });
});
