/** Stops calling a dependency that fails, and finds out carefully when it is back. */
import type { Clock, Random } from '../time/index.js';
import {
  type CallOutcome,
  type CircuitBreakerConfig,
  type CircuitBreakerHandle,
  type CircuitMode,
  type CircuitSnapshot,
  type CircuitState,
  type Permit,
  tooMany,
} from './circuit.js';
import { ProbeLeases } from './probe-leases.js';
import { CircuitOpenError } from './resilience.errors.js';
import { SlidingWindow } from './sliding-window.js';

/** The spread of the open time, so that replicas do not probe together. */
const OPEN_JITTER = 0.2;

type Window = SlidingWindow<'calls' | 'failures' | 'slow'>;

/**
 * A breaker over a sliding time window (resilience4j's vocabulary), constant cost per call. Every
 * change of state starts a new generation, and outcomes of an earlier one are dropped: a slow
 * failure from before must not spoil a trial.
 */
export class CircuitBreaker implements CircuitBreakerHandle {
  #config: CircuitBreakerConfig;
  #window: Window;
  #state: CircuitState = 'closed';
  #mode: CircuitMode = 'automatic';
  #generation = 0;
  #probes = new ProbeLeases(0);
  #opened = { times: 0, until: 0 };
  #lastFailure: unknown;

  /** @param onChange told about every change of state */
  constructor(
    private readonly name: string,
    config: CircuitBreakerConfig,
    private readonly time: { readonly clock: Clock; readonly random: Random },
    private readonly onChange: (state: CircuitState) => void = () => undefined,
  ) {
    this.#config = config;
    this.#window = this.#newWindow();
  }

  get state(): CircuitState {
    return this.#state;
  }

  get mode(): CircuitMode {
    return this.#mode;
  }

  /**
   * Asks for permission. Every permit must come back through `record`, once.
   * @throws CircuitOpenError `E_RESILIENCE_CIRCUIT_OPEN`
   */
  acquire(): Permit {
    if (this.#mode === 'forced-open') throw this.#refusal(undefined);
    if (this.#mode === 'automatic' && this.#state !== 'closed') return this.#acquireProbe();
    return { generation: this.#generation, leaseEndsAt: undefined };
  }

  /** Returns a permit with what the call said. A permit of an earlier generation changes nothing. */
  record(permit: Permit, outcome: CallOutcome, durationMs = 0, error?: unknown): void {
    if (permit.generation !== this.#generation || this.#mode === 'forced-closed') return;
    const isProbe = permit.leaseEndsAt !== undefined;
    if (isProbe && !this.#probes.release(permit)) return;
    if (outcome === 'ignored') return;
    const failed = outcome === 'failure';
    const slow = this.#config.slowCallMs !== undefined && durationMs >= this.#config.slowCallMs;
    if (failed) this.#lastFailure = error;
    if (isProbe) {
      this.#probes.count(failed, slow);
      this.#judgeProbes();
    } else this.#count(failed, slow);
  }

  forceOpen(): void {
    this.#control('forced-open', 'open');
  }

  forceClosed(): void {
    this.#control('forced-closed', 'closed');
  }

  metricsOnly(): void {
    this.#control('metrics-only', 'closed');
  }

  reset(): void {
    this.#control('automatic', 'closed');
    this.#lastFailure = undefined;
  }

  /** Takes new settings; state and mode stay, the counts only if the window's length stays. */
  configure(config: CircuitBreakerConfig): void {
    const sameWindow = config.windowMs === this.#config.windowMs;
    this.#config = config;
    if (!sameWindow) this.#window = this.#newWindow();
  }

  snapshot(): CircuitSnapshot {
    const waiting = this.#mode === 'automatic' && this.#state === 'open';
    return {
      state: this.#state,
      mode: this.#mode,
      calls: this.#window.total('calls'),
      failures: this.#window.total('failures'),
      slowCalls: this.#window.total('slow'),
      retryAfterMs: waiting ? Math.max(0, this.#opened.until - this.time.clock.now()) : undefined,
    };
  }

  #acquireProbe(): Permit {
    const now = this.time.clock.now();
    if (this.#state === 'half-open') {
      this.#probes.expire(now);
      this.#judgeProbes();
    }
    if (this.#state === 'open') {
      if (now < this.#opened.until) throw this.#refusal(this.#opened.until - now);
      this.#change('half-open');
    }
    const permit = this.#probes.tryAcquire(this.#config, now);
    if (permit) return permit;
    throw this.#refusal((this.#probes.oldestLeaseEndsAt ?? now) - now);
  }

  #judgeProbes(): void {
    const verdict = this.#probes.verdict(this.#config);
    if (verdict === 'still-failing') this.#open();
    if (verdict === 'recovered') this.#close();
  }

  #count(failed: boolean, slow: boolean): void {
    this.#window.add('calls');
    if (failed) this.#window.add('failures');
    if (slow) this.#window.add('slow');
    if (this.#mode !== 'automatic') return;
    const calls = this.#window.total('calls');
    const counts = {
      calls,
      failures: this.#window.total('failures'),
      slow: this.#window.total('slow'),
    };
    if (calls >= this.#config.minimumCalls && tooMany(this.#config, counts)) this.#open();
  }

  #open(): void {
    const { openForMs, maxOpenForMs } = this.#config;
    const openFor = Math.min(maxOpenForMs, openForMs * 2 ** this.#opened.times);
    const jitter = 1 + OPEN_JITTER * (2 * this.time.random.next() - 1);
    const until = this.time.clock.now() + openFor * jitter;
    this.#opened = { times: this.#opened.times + 1, until };
    this.#change('open');
  }

  #close(): void {
    this.#opened = { times: 0, until: 0 };
    this.#change('closed');
  }

  #control(mode: CircuitMode, state: CircuitState): void {
    this.#mode = mode;
    this.#opened = { times: 0, until: 0 };
    this.#change(state);
  }

  #change(state: CircuitState): void {
    const changed = state !== this.#state;
    this.#state = state;
    this.#generation++;
    this.#window.clear();
    this.#probes = new ProbeLeases(this.#generation);
    if (changed) this.onChange(state);
  }

  #newWindow(): Window {
    return new SlidingWindow(this.time.clock, this.#config.windowMs, ['calls', 'failures', 'slow']);
  }

  #refusal(retryAfterMs: number | undefined): CircuitOpenError {
    return new CircuitOpenError(
      this.name,
      retryAfterMs && Math.max(0, retryAfterMs),
      this.#lastFailure,
    );
  }
}
