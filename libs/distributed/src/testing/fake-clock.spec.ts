import { describe, expect, it } from '@jest/globals';
import { FakeClock, SequenceRandom } from './fake-clock.js';

describe('FakeClock', () => {
  it('fires timers in order of time, then of setting, at their own instants', async () => {
    const clock = new FakeClock();
    const fired: string[] = [];
    clock.setTimer(() => fired.push(`late@${clock.now()}`), 20);
    clock.setTimer(() => fired.push(`a@${clock.now()}`), 10);
    clock.setTimer(() => fired.push(`b@${clock.now()}`), 10);
    await clock.advance(19);
    expect(fired).toEqual(['a@10', 'b@10']);
    await clock.advance(1);
    expect(fired).toEqual(['a@10', 'b@10', 'late@20']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('fires timers that were set on the way', async () => {
    const clock = new FakeClock();
    let laps = 0;
    const lap = async (): Promise<void> => {
      for (;;) {
        await clock.sleep(10);
        laps++;
      }
    };
    void lap();
    await clock.advance(100);
    expect(laps).toBe(10);
  });

  it('does not fire cancelled timers, and moves the wall clock too', async () => {
    const clock = new FakeClock(1_000);
    let fired = false;
    clock.setTimer(() => (fired = true), 5).cancel();
    await clock.advance(10);
    expect({ fired, epoch: clock.epochMs() }).toEqual({ fired: false, epoch: 1_010 });
  });

  it('rejects a sleep whose signal aborts, and leaves no timer', async () => {
    const clock = new FakeClock();
    const controller = new AbortController();
    const sleep = clock.sleep(10, controller.signal);
    controller.abort(new Error('enough'));
    await expect(sleep).rejects.toThrow('enough');
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('SequenceRandom', () => {
  it('repeats its sequence and numbers its tokens', () => {
    const random = new SequenceRandom([0, 0.9]);
    expect([random.next(), random.next(), random.next()]).toEqual([0, 0.9, 0]);
    expect([random.token(), random.token()]).toEqual(['token-1', 'token-2']);
  });
});
