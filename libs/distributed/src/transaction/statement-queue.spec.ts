/** The queue: one at a time, only for the scope on top, each in its caller's async context. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it } from '@jest/globals';
import { deferred } from '../../../../test/support/transaction.fixture.js';
import { StatementQueue } from './statement-queue.js';

describe('StatementQueue', () => {
  const outer = { name: 'outer' };
  const inner = { name: 'inner' };
  const queueOf = (top: object): StatementQueue<object> => {
    const queue = new StatementQueue<object>();
    queue.handOver(undefined, top);
    return queue;
  };

  it('runs one at a time, in the order of submission', async () => {
    const queue = queueOf(outer);
    const log: string[] = [];
    const work = (name: string) => async (): Promise<void> => {
      log.push(`${name} starts`);
      await Promise.resolve();
      log.push(`${name} ends`);
    };
    await Promise.all(['a', 'b', 'c'].map((name) => queue.submit(outer, work(name))));
    expect(log).toEqual(['a starts', 'a ends', 'b starts', 'b ends', 'c starts', 'c ends']);
  });

  it('lets others wait until their scope is on top, and goes on after a failure', async () => {
    const queue = queueOf(inner);
    const log: string[] = [];
    const waiting = queue.submit(outer, async () => void log.push('outer'));
    await expect(queue.submit(inner, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect([log, queue.blocked]).toEqual([[], 1]);
    queue.handOver(outer, outer);
    expect(log).toEqual([]);
    queue.handOver(inner, outer);
    await waiting;
    expect([log, queue.blocked]).toEqual([['outer'], 0]);
  });

  it('refuses what waits, of the owners asked for', async () => {
    const queue = queueOf(outer);
    const gate = deferred();
    const running = queue.submit(outer, () => gate.promise);
    const refused = queue.submit(inner, async () => 'inner');
    const kept = queue.submit(outer, async () => 'outer');
    queue.refuse(
      (owner) => owner === inner,
      () => new Error('refused'),
    );
    await expect(refused).rejects.toThrow('refused');
    gate.resolve();
    await running;
    await expect(kept).resolves.toBe('outer');
  });

  // Naive: queued work runs in the context of the statement before it; loggers name the wrong request.
  it('runs queued work in the async context of its caller', async () => {
    const request = new AsyncLocalStorage<string>();
    const queue = queueOf(outer);
    const see = (name: string) =>
      request.run(name, () => queue.submit(outer, async () => request.getStore()));
    await expect(Promise.all(['a', 'b', 'c'].map(see))).resolves.toEqual(['a', 'b', 'c']);
  });
});
