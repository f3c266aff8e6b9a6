/** One policy on a clock that the test moves, and calls whose outcome can be looked at. */
import {
  type Policy,
  type PolicyOptions,
  ResilienceService,
} from '../../libs/distributed/src/resilience/index.js';
import { FakeClock, SequenceRandom } from '../../libs/distributed/src/testing/index.js';

/** An error that says: nothing was sent. */
export const refused = (): Error =>
  Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', syscall: 'connect' });

/** An error that says: it may have been executed. */
export const reset = (): Error =>
  Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });

/** Work that hangs. */
export const never = (): Promise<never> => new Promise(() => undefined);

/** A service with the given policies, without defaults unless asked for. */
export function serviceOf(
  policies: Readonly<Record<string, PolicyOptions>>,
  defaults: 'standard' | 'none' = 'none',
): { service: ResilienceService; clock: FakeClock } {
  const clock = new FakeClock();
  const service = new ResilienceService(clock, new SequenceRandom(), { defaults, policies });
  return { service, clock };
}

/** A single policy `p` with exactly these sections; every random number is 0.5. */
export function policyOf(options: PolicyOptions): { policy: Policy; clock: FakeClock } {
  const { service, clock } = serviceOf({ p: options });
  return { policy: service.policy('p'), clock };
}

/** What became of a call, so far. */
export interface Watched<T> {
  value?: T;
  error?: unknown;
  settled: boolean;
}

/** Looks at a promise without waiting for it. */
export function watch<T>(promise: Promise<T>): Watched<T> {
  const seen: Watched<T> = { settled: false };
  promise.then(
    (value) => Object.assign(seen, { value, settled: true }),
    (error: unknown) => Object.assign(seen, { error, settled: true }),
  );
  return seen;
}
