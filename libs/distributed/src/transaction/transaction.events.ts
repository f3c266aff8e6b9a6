/**
 * What the transaction capability tells the outside: one diagnostics channel per kind of event.
 * Without subscribers nothing is built. Labels are names (`Class.method`), never data.
 */
import { openEventChannels } from '../distributed.events.js';

/** How a transaction ended. `UNKNOWN`: COMMIT was sent and its answer never came. */
export type TransactionOutcome = 'COMMITTED' | 'ROLLED_BACK' | 'UNKNOWN';

/** When a hook runs. */
export type HookPhase = 'beforeCommit' | 'afterCommit' | 'afterRollback' | 'afterCompletion';

/** Payloads by channel. */
export interface TransactionEvents {
  /** Once per transaction, after BEGIN. */
  readonly begin: {
    readonly label: string;
    readonly dataSource: string;
    /** How long the pool took to hand out the connection. */
    readonly waitedMs: number;
  };
  /** Once per transaction, when its outcome is decided. */
  readonly end: {
    readonly label: string;
    readonly dataSource: string;
    readonly outcome: TransactionOutcome;
    readonly durationMs: number;
    readonly error?: unknown;
  };
  /** Once per savepoint, when it ends. */
  readonly savepoint: {
    readonly label: string;
    readonly dataSource: string;
    readonly outcome: 'RELEASED' | 'ROLLED_BACK';
  };
  /** Once per advisory lock that was asked for. */
  readonly advisoryLock: {
    readonly label: string;
    readonly dataSource: string;
    /** `REFUSED`: other transactions held it until the wait was over. */
    readonly outcome: 'GRANTED' | 'REFUSED';
    /** From asking to the answer, in milliseconds. */
    readonly waitedMs: number;
  };
  /** A hook failed after the outcome was decided; it changed nothing. */
  readonly hookFailed: {
    readonly label: string;
    readonly phase: HookPhase;
    readonly error: unknown;
  };
}

/** Names of the channels, for `diagnostics_channel.subscribe(TRANSACTION_CHANNELS.end, …)`. */
export const TRANSACTION_CHANNELS = {
  begin: 'nestjs-distributed:transaction:begin',
  end: 'nestjs-distributed:transaction:end',
  savepoint: 'nestjs-distributed:transaction:savepoint',
  advisoryLock: 'nestjs-distributed:transaction:advisory-lock',
  hookFailed: 'nestjs-distributed:transaction:hook-failed',
} as const satisfies Record<keyof TransactionEvents, string>;

/** Emits the events of this room. */
export const transactionEvents = openEventChannels<TransactionEvents>(TRANSACTION_CHANNELS);
