/** Options of the lock capability: what users write, the schemas, and the settings they become. */
import * as v from 'valibot';
import { durationSchema, validateOptions } from '../distributed.validation.js';
import type { Duration } from '../time/index.js';
import type { LockKeyOption } from './lock-keys.js';
import { durabilitySchema, type LockDurability } from './durability.options.js';
import type { LockMode, LockStore } from './lock.store.js';

/** Options that can also be set for the whole application. */
export interface LockDefaults {
  /** How long the lock outlives a dead holder. Default `'10s'`, at least `'100ms'`. */
  lease?: Duration;
  /** How long to wait for the lock; 0 tries once. Default `'5s'`. */
  wait?: Duration;
  /** Whether the lease is renewed, at a third of it, while the holder works. Default true. */
  renew?: boolean;
  /**
   * Who is next among waiters. `'process'` (default): waiters of one process may follow each other up
   * to `localHandoffs` times, without a command to the store. `'strict'`: first come, first served, on
   * all machines together.
   */
  fairness?: 'process' | 'strict';
  /** Whether a nested call for a key this call chain holds joins it. Default true. */
  reentrant?: boolean;
  /**
   * When the lock is lost. `'throw'` (default): the signal aborts and the call rejects with
   * `LockLostError` when the body has finished, unless the body threw. `'abort'`: the signal
   * aborts, the result is returned. `'ignore'`: neither.
   */
  onLost?: 'throw' | 'abort' | 'ignore';
  /** When the store does not answer: `'throw'` (default), or `'run'` the body without protection. */
  onBackendError?: 'throw' | 'run';
}

/** Options of one locked call. */
export interface LockOptions extends LockDefaults {
  /**
   * Keeps the lock taken for at least so long after it was acquired, also when the work is done
   * earlier: a job that takes a millisecond still runs once when clocks differ by a second. Default 0.
   */
  minHold?: Duration;
  /**
   * Ends renewal and aborts the signal after so long: work that hangs does not hold the lock for ever.
   * Others may get it at the latest one `lease` later. Default: none.
   */
  maxHold?: Duration;
  /**
   * `'exclusive'` (default): nobody else holds the lock. `'shared'`: others that share it may hold it
   * too. Waiting writers block new readers; after a writer, all readers then waiting run together.
   */
  mode?: LockMode;
  /** Label for metrics and messages. Default: `Class.method`, or `'unnamed'` for service calls. */
  name?: string;
  /**
   * When somebody else holds the lock: `'wait'` (default), `'skip'` the body and return undefined,
   * or `'throw'` a `LockHeldError`.
   */
  ifLocked?: 'wait' | 'skip' | 'throw';
}

/** Options of `LockService.execute`. */
export interface LockExecuteOptions extends LockOptions {
  /** Cancels waiting; the call rejects with its reason. */
  signal?: AbortSignal;
}

/** Options of `LockService.tryAcquire`. */
export type LockTryOptions = Pick<
  LockExecuteOptions,
  'name' | 'mode' | 'lease' | 'renew' | 'minHold' | 'maxHold' | 'signal'
>;

/** Options of `LockService.acquire`. */
export type LockAcquireOptions = LockTryOptions & Pick<LockExecuteOptions, 'wait' | 'fairness'>;

/** Options of `@DistributedLock({ … })`. */
// oxlint-disable-next-line typescript/no-explicit-any -- see MethodAspect
export interface DistributedLockOptions<A extends any[] = any[]> extends LockOptions {
  /** What is locked: a constant, or a function of the method's parameters. */
  key: LockKeyOption<A>;
  /** Overrides the place in `ASPECT_ORDER`. */
  order?: number;
}

/** `DistributedModule.forRoot({ lock: … })`. */
export interface LockModuleOptions {
  /**
   * Where locks are kept. Default: the Redis of the application. An application has a store to
   * itself, which is ended with it; what the store talks to (a pool, a client) stays yours.
   */
  store?: LockStore;
  /**
   * When a lock counts as granted or renewed. Default: when the master has it, which may lose it in a
   * failover. Only for locks in the Redis of the application.
   */
  durability?: LockDurability;
  /** Defaults of every lock of the application. */
  defaults?: LockDefaults;
  /**
   * How often a lock passes from one waiter to the next inside a process before waiters of other
   * processes get a chance. 0 switches it off. Default 16.
   */
  localHandoffs?: number;
  /** For how long it passes on so. Default `'50ms'`. */
  localHandoffTime?: Duration;
  /** How long to wait for a reply of the store. Default `'1s'`. */
  commandTimeout?: Duration;
  /** How long a shutdown waits for holders before it takes their locks away. Default `'10s'`. */
  shutdownGrace?: Duration;
}

const LEASE_MIN_MS = 100;

const defaultsFields = {
  lease: v.optional(
    v.pipe(durationSchema, v.minValue(LEASE_MIN_MS, `must be at least ${LEASE_MIN_MS} ms`)),
  ),
  wait: v.optional(durationSchema),
  renew: v.optional(v.boolean()),
  fairness: v.optional(v.picklist(['process', 'strict'])),
  reentrant: v.optional(v.boolean()),
  onLost: v.optional(v.picklist(['throw', 'abort', 'ignore'])),
  onBackendError: v.optional(v.picklist(['throw', 'run'])),
};

/** Checks of single options, for those who put schemas together. */
export const lockFields = {
  ...defaultsFields,
  name: v.optional(v.pipe(v.string(), v.nonEmpty('must not be empty'))),
  mode: v.optional(v.picklist(['exclusive', 'shared'])),
  ifLocked: v.optional(v.picklist(['wait', 'skip', 'throw'])),
  minHold: v.optional(durationSchema),
  maxHold: v.optional(v.pipe(durationSchema, v.minValue(1, 'must be at least 1 ms'))),
};

/** `signal`, where a call takes one. */
export const signalField = {
  signal: v.optional(
    v.custom<AbortSignal>(
      (value) => typeof (value as AbortSignal | null)?.addEventListener === 'function',
      'expected an AbortSignal',
    ),
  ),
};

/** False when `wait` would do nothing. */
export function waitFitsIfLocked(options: {
  ifLocked?: string | undefined;
  wait?: unknown;
}): boolean {
  return options.wait === undefined || (options.ifLocked ?? 'wait') === 'wait';
}

/** Says so. */
export const WAIT_IS_IDLE =
  "`wait` has no effect with ifLocked 'skip' or 'throw'; remove one of the two";

/** What an acquisition without waiting may say, but for its mode. */
export const permitTryFields = {
  name: lockFields.name,
  lease: lockFields.lease,
  renew: lockFields.renew,
  minHold: lockFields.minHold,
  maxHold: lockFields.maxHold,
  ...signalField,
};

/** By its methods: a store may come from another copy of this library. */
function isStore(value: unknown): boolean {
  const store = value as Partial<LockStore> | null | undefined;
  const methods = [store?.acquire, store?.renew, store?.release, store?.revoke, store?.query];
  return [...methods, store?.watch, store?.unwatch].every((method) => typeof method === 'function');
}

const tryFields = { ...permitTryFields, mode: lockFields.mode };

/** Schemas, one per place where options are written. */
export const lockSchemas = {
  execute: v.pipe(
    v.strictObject({ ...lockFields, ...signalField }),
    v.check((options) => waitFitsIfLocked(options), WAIT_IS_IDLE),
  ),
  acquire: v.strictObject({
    ...tryFields,
    wait: lockFields.wait,
    fairness: lockFields.fairness,
  }),
  tryAcquire: v.strictObject(tryFields),
  decorator: v.pipe(
    v.strictObject(lockFields),
    v.check((options) => waitFitsIfLocked(options), WAIT_IS_IDLE),
  ),
  module: v.strictObject({
    store: v.optional(v.custom<LockStore>(isStore, 'expected a LockStore')),
    durability: v.optional(durabilitySchema),
    defaults: v.optional(v.strictObject(defaultsFields), {}),
    localHandoffs: v.optional(
      v.pipe(v.number(), v.integer('must be a whole number'), v.minValue(0), v.maxValue(1_000)),
      16,
    ),
    localHandoffTime: v.optional(durationSchema, '50ms'),
    commandTimeout: v.optional(
      v.pipe(durationSchema, v.minValue(1, 'must be at least 1 ms')),
      '1s',
    ),
    shutdownGrace: v.optional(durationSchema, '10s'),
  }),
};

/** Validated options, durations in milliseconds. */
export type ParsedLockOptions = v.InferOutput<typeof lockSchemas.execute>;

/** Validated module options. */
export type ParsedLockModuleOptions = v.InferOutput<typeof lockSchemas.module>;

/** Everything one locked call needs to know. */
export interface LockSettings {
  readonly name: string;
  readonly leaseMs: number;
  readonly waitMs: number;
  readonly renew: boolean;
  readonly fairness: 'process' | 'strict';
  readonly minHoldMs: number;
  readonly maxHoldMs: number | undefined;
  readonly reentrant: boolean;
  readonly ifLocked: 'wait' | 'skip' | 'throw';
  readonly onLost: 'throw' | 'abort' | 'ignore';
  readonly onBackendError: 'throw' | 'run';
  readonly signal: AbortSignal | undefined;
  readonly mode: LockMode;
  /** A permit of so many is asked for, not a lock. */
  readonly limit?: number | undefined;
}

/** Checks the options of one call. */
export function parseLockOptions(
  kind: 'execute' | 'acquire' | 'tryAcquire',
  options: LockExecuteOptions,
): ParsedLockOptions {
  return validateOptions(lockSchemas[kind], options, `LockService.${kind}() options`);
}

/** Own options first, then those of the application, then the library's. */
export function settingsOf(
  own: ParsedLockOptions,
  defaults: ParsedLockModuleOptions['defaults'],
): LockSettings {
  return {
    name: own.name ?? 'unnamed',
    leaseMs: own.lease ?? defaults.lease ?? 10_000,
    waitMs: own.wait ?? defaults.wait ?? 5_000,
    renew: own.renew ?? defaults.renew ?? true,
    fairness: own.fairness ?? defaults.fairness ?? 'process',
    minHoldMs: own.minHold ?? 0,
    maxHoldMs: own.maxHold,
    reentrant: own.reentrant ?? defaults.reentrant ?? true,
    ifLocked: own.ifLocked ?? 'wait',
    onLost: own.onLost ?? defaults.onLost ?? 'throw',
    onBackendError: own.onBackendError ?? defaults.onBackendError ?? 'throw',
    signal: own.signal,
    mode: own.mode ?? 'exclusive',
  };
}
