/** Options of leader elections: what users write, and the schemas. */
import * as v from 'valibot';
import type { KeyInput } from '../aspects/index.js';
import type { Duration } from '../time/index.js';
import { lockFields } from './lock.options.js';

/** `LockService.election(name, { … })`. */
export interface ElectionOptions {
  /** How long the leadership outlives a dead leader. Default: that of locks, `'10s'`. */
  lease?: Duration;
}

/** `LeaderElection.execute(body, { … })`. */
export interface LeaderExecuteOptions {
  /**
   * In an application that does not lead: `'skip'` (default) the body and return undefined, or
   * `'throw'` a `NotLeaderError`.
   */
  ifNotLeader?: 'skip' | 'throw';
  /**
   * When the leadership is lost while the body runs. `'throw'` (default): the signal aborts and the
   * call rejects with `LockLostError` when the body has finished, unless the body threw. `'abort'`: the
   * signal aborts, the result is returned.
   */
  onLost?: 'throw' | 'abort';
  /**
   * Deposes a leader whose body runs for longer: one that hangs does not lead for ever. The signal
   * aborts; another application is elected at the latest one `lease` later. Default: none.
   */
  maxHold?: Duration;
}

/** Options of `@LeaderOnly(name, { … })`. */
export interface LeaderOnlyOptions extends ElectionOptions, LeaderExecuteOptions {
  /** Overrides the place in `ASPECT_ORDER`. */
  order?: number;
}

/** What `@LeaderOnly` leaves on its method. */
export interface LeaderAspectOptions {
  readonly name: KeyInput;
  readonly election: ElectionOptions;
  readonly execute: LeaderExecuteOptions;
}

const electionFields = { lease: lockFields.lease };
const executeFields = {
  ifNotLeader: v.optional(v.picklist(['skip', 'throw'])),
  onLost: v.optional(v.picklist(['throw', 'abort'])),
  maxHold: lockFields.maxHold,
};

/** Schemas, one per place where options are written. */
export const electionSchemas = {
  election: v.strictObject(electionFields),
  execute: v.strictObject(executeFields),
  decorator: v.strictObject({ ...electionFields, ...executeFields }),
};
