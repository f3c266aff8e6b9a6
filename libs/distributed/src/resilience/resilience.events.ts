/**
 * What the resilience capability tells the outside: one diagnostics channel per kind of event.
 * Without subscribers nothing is built. Payloads carry names and numbers, never arguments.
 */
import { openEventChannels } from '../distributed.events.js';
import type { CircuitState } from './circuit.js';
import type { NetworkFailure } from './failure.js';
import type { TimeoutScope } from './resilience.errors.js';

/** Payloads by channel; `policy` is its name, or `Class.method`. */
export interface ResilienceEvents {
  /** Attempt number `attempt` failed; the next one starts after `delayMs`. */
  readonly retry: {
    readonly policy: string;
    readonly attempt: number;
    readonly delayMs: number;
    readonly failure: NetworkFailure;
  };
  /** A retry was due, but the share of retries is used up. */
  readonly budgetExhausted: { readonly policy: string; readonly attempt: number };
  /** A time limit ended an attempt, or the call. */
  readonly timeout: {
    readonly policy: string;
    readonly attempt: number;
    readonly scope: TimeoutScope;
  };
  /** An attempt that had timed out or been cancelled ended after all. */
  readonly late: {
    readonly policy: string;
    readonly attempt: number;
    readonly outcome: 'success' | 'failure';
  };
  /** A guard refused an attempt. */
  readonly rejected: { readonly policy: string; readonly by: 'circuit-breaker' | 'bulkhead' };
  /** A breaker changed its state. */
  readonly circuit: { readonly policy: string; readonly state: CircuitState };
  /** A call failed for good and its fallback is asked. */
  readonly fallback: { readonly policy: string; readonly failure: NetworkFailure };
}

/** Names of the channels, for `diagnostics_channel.subscribe(RESILIENCE_CHANNELS.retry, …)`. */
export const RESILIENCE_CHANNELS = {
  retry: 'nestjs-distributed:resilience:retry',
  budgetExhausted: 'nestjs-distributed:resilience:budget-exhausted',
  timeout: 'nestjs-distributed:resilience:timeout',
  late: 'nestjs-distributed:resilience:late',
  rejected: 'nestjs-distributed:resilience:rejected',
  circuit: 'nestjs-distributed:resilience:circuit',
  fallback: 'nestjs-distributed:resilience:fallback',
} as const satisfies Record<keyof ResilienceEvents, string>;

/** Emits the events of this room. */
export const resilienceEvents = openEventChannels<ResilienceEvents>(RESILIENCE_CHANNELS);
