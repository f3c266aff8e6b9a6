import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { ManualClock } from '../../../../test/support/manual-clock.fixture.js';
import { SequenceRandom } from '../testing/index.js';
import type { CallOutcome, CircuitBreakerConfig, CircuitState, Permit } from './circuit.js';
import { CircuitBreaker } from './circuit-breaker.js';

const config: CircuitBreakerConfig = {
  windowMs: 1_000,
  minimumCalls: 3,
  failureRate: 0.5,
  slowCallMs: 100,
  slowCallRate: 0.8,
  openForMs: 500,
  maxOpenForMs: 2_000,
  probes: 2,
  probeLeaseMs: 700,
};

type Event = { at: number; failed: boolean; slow: boolean };
/** One period between two changes of state; a call belongs to the period it began in. */
type Period = { state: CircuitState; since: number; events: Event[]; leases: Set<number> };

/** The same machine, told with lists and without counters, buckets aside. */
class Model {
  period: Period = { state: 'closed', since: 0, events: [], leases: new Set() };
  readonly calls: { period: Period; at: number }[] = [];
  #opened = 0;

  acquire(now: number): boolean {
    this.#expire(now);
    const openFor = Math.min(config.maxOpenForMs, config.openForMs * 2 ** (this.#opened - 1));
    if (this.period.state === 'open' && now < this.period.since + openFor) return false;
    if (this.period.state === 'open') this.#go('half-open', now);
    const { state, leases, events } = this.period;
    if (state === 'half-open' && leases.size + events.length >= config.probes) return false;
    leases.add(this.calls.length);
    this.calls.push({ period: this.period, at: now });
    return true;
  }

  record(call: number, outcome: CallOutcome, slow: boolean, now: number): void {
    const { period } = this.calls[call]!;
    if (period !== this.period || !period.leases.delete(call)) return;
    if (outcome !== 'ignored') this.#event({ at: now, failed: outcome === 'failure', slow }, now);
  }

  #expire(now: number): void {
    if (this.period.state !== 'half-open') return;
    for (const call of this.period.leases) {
      if (this.calls[call]!.at + config.probeLeaseMs > now) continue;
      this.period.leases.delete(call);
      this.#event({ at: now, failed: true, slow: false }, now);
      if (this.period.state !== 'half-open') return;
    }
  }

  #event(event: Event, now: number): void {
    this.period.events.push(event);
    const halfOpen = this.period.state === 'half-open';
    const bucket = (at: number): number => Math.floor(at / (config.windowMs / 10));
    const events = this.period.events.filter(({ at }) => halfOpen || bucket(at) > bucket(now) - 10);
    const of = halfOpen ? config.probes : events.length;
    const bad =
      events.filter(({ failed }) => failed).length / of >= config.failureRate ||
      events.filter(({ slow }) => slow).length / of >= config.slowCallRate;
    if (bad && (halfOpen || events.length >= config.minimumCalls)) {
      this.#opened++;
      this.#go('open', now);
    } else if (halfOpen && events.length >= config.probes) {
      this.#opened = 0;
      this.#go('closed', now);
    }
  }

  #go(state: CircuitState, now: number): void {
    this.period = { state, since: now, events: [], leases: new Set() };
  }
}

const outcome = fc.constantFrom<CallOutcome>('success', 'failure', 'failure', 'ignored');
const finish = { outcome, durationMs: fc.constantFrom(1, 100) };
/** Whole calls beside parts of calls, or few runs would ever fill a window or a trial. */
const step = fc.oneof(
  fc.record({ do: fc.constant('wait' as const), ms: fc.oneof(fc.nat(100), fc.nat(800)) }),
  fc.record({ do: fc.constant('acquire' as const) }),
  fc.record({ do: fc.constant('record' as const), which: fc.nat(1_000), ...finish }),
  fc.record({ do: fc.constant('call' as const), ...finish }),
);

describe('CircuitBreaker and its model', () => {
  it('agree on every state and every refusal, for any interleaving of calls and time', () => {
    const reached = { open: 0, 'half-open': 0, closed: 0 };
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100, size: 'max' }), (steps) => {
        const clock = new ManualClock();
        const breaker = new CircuitBreaker('p', config, { clock, random: new SequenceRandom() });
        const model = new Model();
        const permits: Permit[] = [];
        const running: number[] = [];
        /** What the breaker did, beside what the model did. */
        const trace: [unknown, unknown][] = [];
        const acquire = (): void => {
          const permit = tryAcquire(breaker);
          trace.push([permit !== undefined, model.acquire(clock.time)]);
          if (permit) running.push(permits.push(permit) - 1);
        };
        const record = (which: number, said: CallOutcome, durationMs: number): void => {
          const [call] = running.splice(which % running.length, 1);
          if (call === undefined) return;
          breaker.record(permits[call]!, said, durationMs);
          model.record(call, said, durationMs >= 100, clock.time);
        };
        for (const action of steps) {
          if (action.do === 'wait') clock.time += action.ms;
          if (action.do === 'acquire' || action.do === 'call') acquire();
          if (action.do === 'record') record(action.which, action.outcome, action.durationMs);
          if (action.do === 'call') record(running.length - 1, action.outcome, action.durationMs);
          trace.push([breaker.state, model.period.state]);
          reached[breaker.state]++;
        }
        expect(trace.findIndex(([ours, models]) => ours !== models)).toBe(-1);
      }),
      { numRuns: 500 },
    );
    expect(Math.min(...Object.values(reached))).toBeGreaterThan(100);
  });
});

function tryAcquire(breaker: CircuitBreaker): Permit | undefined {
  try {
    return breaker.acquire();
  } catch {
    return undefined;
  }
}
