/** A scenario ends only when both its load and its faults have ended. */
import { describe, expect, it } from '@jest/globals';
import { sideBySide } from './side-by-side.js';

describe('sideBySide', () => {
  it('resolves with what the load found', async () => {
    expect(await sideBySide(Promise.resolve('answers'), Promise.resolve())).toBe('answers');
  });

  // Promise.all would let a server be restarted while the run is already being cleaned up.
  it('awaits the faults when the load fails', async () => {
    const order: string[] = [];
    const { promise, resolve } = withResolvers();
    const both = sideBySide(
      Promise.reject(new Error('Ctrl-C')),
      promise.then(() => void order.push('faults ended')),
    ).catch((error: Error) => order.push(error.message));
    await new Promise((done) => setImmediate(done));
    resolve();
    await both;
    expect(order).toEqual(['faults ended', 'Ctrl-C']);
  });

  it('fails when the faults could not be made', async () => {
    await expect(
      sideBySide(Promise.resolve(1), Promise.reject(new Error('no restart'))),
    ).rejects.toThrow('no restart');
  });
});

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
