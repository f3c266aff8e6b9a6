/** Signs of what becomes of locks, to be awaited: no spec sleeps until something has happened. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { performance } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import { LOCK_CHANNELS, type LockEvents } from '../../libs/distributed/src/lock/index.js';

/** Resolves when the holder is told that it lost its lock. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** The next event of a kind. Call it before the cause. */
export function nextEvent<K extends keyof LockEvents>(kind: K): Promise<LockEvents[K]> {
  return new Promise((resolve) => {
    const listener = (event: unknown): void => {
      unsubscribe(LOCK_CHANNELS[kind], listener);
      resolve(event as LockEvents[K]);
    };
    subscribe(LOCK_CHANNELS[kind], listener);
  });
}

/** All events of a kind while `work` runs. */
export async function eventsDuring<K extends keyof LockEvents>(
  kind: K,
  work: () => Promise<unknown>,
): Promise<LockEvents[K][]> {
  const events: LockEvents[K][] = [];
  const listener = (event: unknown): void => void events.push(event as LockEvents[K]);
  subscribe(LOCK_CHANNELS[kind], listener);
  try {
    await work();
    return events;
  } finally {
    unsubscribe(LOCK_CHANNELS[kind], listener);
  }
}

/** The instant a bare timer of this, perhaps busy, machine fires: who is later than that is late. */
export function bareTimer(ms: number): Promise<number> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(performance.now()), ms);
  });
}

/** Looks until it is true: for states of a server that announce nothing. */
export async function eventually(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const until = performance.now() + 20_000;
  while (!(await isTrue())) {
    if (performance.now() > until) throw new Error('it never became true');
    await turn();
  }
}
