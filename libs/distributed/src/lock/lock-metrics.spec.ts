/** Metrics of locks: what is counted, and that a thousand keys are one series. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { channel } from 'node:diagnostics_channel';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { electorate } from '../../../../test/support/electorate.fixture.js';
import { GrantedLock } from '../../../../test/support/granted-lock.fixture.js';
import { scriptedLocks, watched } from '../../../../test/support/scripted-lock.store.fixture.js';
import {
  fencedSql,
  LOCK_CHANNELS,
  LOCK_METRICS,
  type LockMeter,
  recordLockMetrics,
} from './index.js';
import { lockEvents } from './lock.events.js';

/** Sums per series; of histograms, how many values and their sum. */
class FakeMeter implements LockMeter {
  readonly series = new Map<string, { count: number; sum: number; least: number }>();
  readonly units: Record<string, string | undefined> = {};

  readonly createCounter: LockMeter['createCounter'] = (name) => ({ add: this.#adder(name) });
  readonly createUpDownCounter: LockMeter['createUpDownCounter'] = (name) => ({
    add: this.#adder(name),
  });
  readonly createHistogram: LockMeter['createHistogram'] = (name, options) => {
    this.units[name] = options?.unit;
    return { record: this.#adder(name) };
  };

  sum(metric: string, ...labels: string[]): number | undefined {
    return this.series.get([metric, ...labels].join(' '))?.sum;
  }

  #adder(metric: string) {
    return (value: number, labels: Record<string, string> = {}): void => {
      const id = [metric, ...Object.values(labels)].join(' ');
      const { count, sum, least } = this.series.get(id) ?? { count: 0, sum: 0, least: 0 };
      this.series.set(id, {
        count: count + 1,
        sum: sum + value,
        least: Math.min(least, sum + value),
      });
    };
  }
}

let meter: FakeMeter;
let stop: () => void;

beforeEach(() => {
  meter = new FakeMeter();
  stop = recordLockMetrics(meter);
});

afterEach(() => stop());

describe('lock metrics', () => {
  it('count requests by outcome, measure waiting and holding in seconds', async () => {
    const { clock, locks } = scriptedLocks();
    const running = locks.execute('k', () => clock.sleep(2_000), { name: 'job' });
    await clock.settle();
    const waiting = [1, 2].map(() => locks.execute('k', () => {}, { name: 'job' }));
    const late = watched(locks.execute('k', () => {}, { name: 'job', wait: '1s' }));
    await clock.settle();
    expect(meter.sum(LOCK_METRICS.held, 'job')).toBe(1);
    expect(meter.sum(LOCK_METRICS.waiting, 'job')).toBe(3);
    await clock.advance(2_000);
    await Promise.all([running, ...waiting]);
    expect(late.state).toBe('rejected');
    expect(meter.sum(LOCK_METRICS.acquire, 'job', 'acquired')).toBe(3);
    expect(meter.sum(LOCK_METRICS.acquire, 'job', 'timeout')).toBe(1);
    expect(meter.series.get(`${LOCK_METRICS.wait} job acquired`)).toMatchObject({
      count: 3,
      sum: 4,
    });
    expect(meter.series.get(`${LOCK_METRICS.hold} job`)).toMatchObject({ count: 3, sum: 2 });
    expect(meter.units).toEqual({ [LOCK_METRICS.wait]: 's', [LOCK_METRICS.hold]: 's' });
    expect(meter.sum(LOCK_METRICS.held, 'job')).toBe(0);
    expect(meter.sum(LOCK_METRICS.waiting, 'job')).toBe(0);
  });

  it('count losses once, though a lost lock is released, too (mutation: the release counts again)', async () => {
    const { clock, store, locks } = scriptedLocks();
    const [lost, kept] = [
      await locks.acquire('lost', { name: 'job', lease: '300ms' }),
      await locks.acquire('kept', { name: 'job', renew: false, lease: '1m' }),
    ];
    store.always = 'refused';
    await clock.advance(300);
    store.always = undefined;
    expect(meter.sum(LOCK_METRICS.held, 'job')).toBe(1);
    await lost.release();
    expect(meter.sum(LOCK_METRICS.held, 'job')).toBe(1);
    await kept.release();
    await clock.settle();
    expect(meter.sum(LOCK_METRICS.held, 'job')).toBe(0);
    expect(meter.series.get(`${LOCK_METRICS.held} job`)?.least).toBe(0);
    expect(meter.sum(LOCK_METRICS.lost, 'job', 'expired')).toBe(1);
    expect(meter.sum(LOCK_METRICS.renewFailed, 'job')).toBeGreaterThan(1);
    expect(meter.sum(LOCK_METRICS.chaseRelease, 'job', 'absent')).toBe(1);
  });

  it('name the lock of a call that was given up, and of a late holder', async () => {
    const { clock, store, locks } = scriptedLocks();
    store.faults.push('reply-lost');
    const failed = watched(locks.tryAcquire('k', { name: 'job' }));
    store.faults.push(undefined);
    await clock.settle();
    expect(failed.error).toMatchObject({ code: 'E_LOCK_BACKEND' });
    expect(meter.sum(LOCK_METRICS.chaseRelease, 'job', 'deleted')).toBe(1);
    const late = new GrantedLock('k', 1);
    await expect(fencedSql(late).enter({ query: async () => [] })).rejects.toMatchObject({
      code: 'E_LOCK_STALE',
    });
    expect(meter.sum(LOCK_METRICS.stale, 'unnamed', 'sql')).toBe(1);
  });

  it('know where the leader is', async () => {
    const { clock, candidates } = electorate(2);
    for (const { election } of candidates) election.join();
    await clock.settle();
    expect(meter.sum(LOCK_METRICS.leader, 'importer')).toBe(1);
    for (const { election } of candidates) {
      await clock.settle();
      await election.resign();
    }
    expect(meter.sum(LOCK_METRICS.leader, 'importer')).toBe(0);
    expect(meter.sum(LOCK_METRICS.deposed, 'importer', 'resigned')).toBe(2);
  });

  it('have one series per name, whatever the keys (C35; mutation: label by key)', async () => {
    const { locks } = scriptedLocks();
    for (let n = 0; n < 1_000; n++) await locks.execute(['order', n], () => {}, { name: 'pay' });
    expect([...meter.series.keys()].toSorted()).toEqual(
      [
        `${LOCK_METRICS.acquire} pay acquired`,
        `${LOCK_METRICS.wait} pay acquired`,
        `${LOCK_METRICS.hold} pay`,
        `${LOCK_METRICS.held} pay`,
      ].toSorted(),
    );
    expect(meter.sum(LOCK_METRICS.acquire, 'pay', 'acquired')).toBe(1_000);
  });

  it('leave the heap flat (C35; mutation: one array entry per lock)', () => {
    const publish = (cycles: number): void => {
      for (let n = 0; n < cycles; n++) {
        const key = `order:${n}`;
        lockEvents.emit('waiting', () => ({ name: 'pay', key, waiting: true }));
        lockEvents.emit('waiting', () => ({ name: 'pay', key, waiting: false }));
        lockEvents.emit('acquire', () => ({ name: 'pay', key, outcome: 'acquired', waitedMs: n }));
        lockEvents.emit('release', () => ({ name: 'pay', key, outcome: 'released', heldMs: n }));
      }
    };
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    publish(1_000);
    collect();
    const before = process.memoryUsage().heapUsed;
    publish(100_000);
    collect();
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(1_000_000);
  });

  it('ignore what began before them, and end when they are told to', async () => {
    stop();
    const { locks } = scriptedLocks();
    for (const name of Object.values(LOCK_CHANNELS))
      expect(channel(name).hasSubscribers).toBe(false);
    const before = await locks.acquire('k', { name: 'job' });
    expect(meter.series.size).toBe(0);
    stop = recordLockMetrics(meter);
    await before.release();
    expect(meter.sum(LOCK_METRICS.held, 'job')).toBeUndefined();
    expect(meter.series.get(`${LOCK_METRICS.hold} job`)).toMatchObject({ count: 1 });
  });
});
