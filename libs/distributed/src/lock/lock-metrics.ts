/** Metrics of locks, named by lock and never by key: the events of this room, counted by a meter. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { LOCK_CHANNELS, type LockEvents } from './lock.events.js';

/** Labels of one series. */
type Labels = Record<string, string>;

/** How an instrument is described. */
export interface MeterInstrumentOptions {
  description?: string;
  unit?: string;
  advice?: { explicitBucketBoundaries?: number[] };
}

/** Counts up; one made by `createUpDownCounter` also down. */
export interface MeterCounter {
  add(value: number, attributes?: Labels): void;
}

/** Records a distribution. */
export interface MeterHistogram {
  record(value: number, attributes?: Labels): void;
}

/** What is needed of a meter. A `Meter` of OpenTelemetry is one. */
export interface LockMeter {
  createCounter(name: string, options?: MeterInstrumentOptions): MeterCounter;
  createUpDownCounter(name: string, options?: MeterInstrumentOptions): MeterCounter;
  createHistogram(name: string, options?: MeterInstrumentOptions): MeterHistogram;
}

/** Names of the instruments; every series has the label `name`, and those in brackets. */
export const LOCK_METRICS = {
  /** Counter of decided requests [`outcome`]. */
  acquire: 'distributed.lock.acquire',
  /** Counter of lost locks [`reason`]. */
  lost: 'distributed.lock.lost',
  /** Counter of failed renewals; each is repeated until the lease ends. */
  renewFailed: 'distributed.lock.renew_failed',
  /** Counter of background releases [`outcome`]. */
  chaseRelease: 'distributed.lock.chase_release',
  /** Counter of late holders that a resource refused [`resource`]. */
  stale: 'distributed.lock.stale',
  /** Counter of terms that ended [`reason`]. */
  deposed: 'distributed.lock.deposed',
  /** Histogram, in seconds: from the request to its decision [`outcome`]. */
  wait: 'distributed.lock.wait',
  /** Histogram, in seconds: from the acquisition to the release. */
  hold: 'distributed.lock.hold',
  /** Up-down counter: locks and permits this process holds now. */
  held: 'distributed.lock.held',
  /** Up-down counter: calls of this process that wait now. */
  waiting: 'distributed.lock.waiting',
  /** Up-down counter: 1 where the leader is, so the sum over all processes is 1. */
  leader: 'distributed.lock.leader',
} as const;

/** From a hand-off inside a process to a wait of a minute, in seconds. */
const BUCKETS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
];
const SECONDS: MeterInstrumentOptions = {
  unit: 's',
  advice: { explicitBucketBoundaries: BUCKETS },
};

/**
 * Records the locks of this process, of all its applications, from now on: call it before the first
 * lock, or `held` and `waiting` miss what is under way. Locks cost nothing more before, and afterwards.
 *
 * @example
 * const stop = recordLockMetrics(metrics.getMeter('nestjs-distributed'));
 * @returns ends the recording
 */
export function recordLockMetrics(meter: LockMeter): () => void {
  const acquire = meter.createCounter(LOCK_METRICS.acquire);
  const lost = meter.createCounter(LOCK_METRICS.lost);
  const renewFailed = meter.createCounter(LOCK_METRICS.renewFailed);
  const chaseRelease = meter.createCounter(LOCK_METRICS.chaseRelease);
  const stale = meter.createCounter(LOCK_METRICS.stale);
  const deposed = meter.createCounter(LOCK_METRICS.deposed);
  const wait = meter.createHistogram(LOCK_METRICS.wait, SECONDS);
  const hold = meter.createHistogram(LOCK_METRICS.hold, SECONDS);
  const held = new Level(meter.createUpDownCounter(LOCK_METRICS.held));
  const waiting = new Level(meter.createUpDownCounter(LOCK_METRICS.waiting));
  const leader = new Level(meter.createUpDownCounter(LOCK_METRICS.leader));

  const endings = [
    on('acquire', ({ name, outcome, waitedMs }) => {
      acquire.add(1, { name, outcome });
      wait.record(waitedMs / 1_000, { name, outcome });
      if (outcome === 'acquired') held.rise(name);
    }),
    on('waiting', (event) => {
      if (event.waiting) waiting.rise(event.name);
      else waiting.fall(event.name);
    }),
    on('release', ({ name, outcome, heldMs }) => {
      hold.record(heldMs / 1_000, { name });
      // What was lost is not held since then.
      if (outcome !== 'already-lost') held.fall(name);
    }),
    on('lost', ({ name, reason }) => {
      lost.add(1, { name, reason });
      held.fall(name);
    }),
    on('renewFailed', ({ name }) => renewFailed.add(1, { name })),
    on('chase', ({ name, outcome }) => chaseRelease.add(1, { name, outcome })),
    on('stale', ({ name, resource }) => stale.add(1, { name, resource })),
    on('elected', ({ name }) => leader.rise(name)),
    on('deposed', ({ name, reason }) => {
      deposed.add(1, { name, reason });
      leader.fall(name);
    }),
  ];
  return () => {
    for (const end of endings) end();
  };
}

/** How many there are per name: what began unseen does not make it negative. */
class Level {
  readonly #counts = new Map<string, number>();

  constructor(private readonly counter: MeterCounter) {}

  rise(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
    this.counter.add(1, { name });
  }

  fall(name: string): void {
    const count = this.#counts.get(name) ?? 0;
    if (count === 0) return;
    this.#counts.set(name, count - 1);
    this.counter.add(-1, { name });
  }
}

function on<K extends keyof LockEvents>(
  kind: K,
  listener: (event: LockEvents[K]) => void,
): () => void {
  const onMessage = (message: unknown): void => listener(message as LockEvents[K]);
  subscribe(LOCK_CHANNELS[kind], onMessage);
  return () => void unsubscribe(LOCK_CHANNELS[kind], onMessage);
}
