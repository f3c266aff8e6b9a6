/** What an advisory lock is asked for: the option of `@Transactional`, its schema, the request it becomes. */
import * as v from 'valibot';
import { type EncodedKeys, encodeKeys, type KeysInput, type KeysOption } from '../aspects/index.js';
import { durationSchema } from '../distributed.validation.js';
import type { Duration } from '../time/index.js';

/**
 * What is locked. One key: a part, or several parts that make it (`['order', 7]`). Several keys: a
 * list of such lists (`[['account', 7], ['account', 9]]`); all of them are locked, or none.
 */
export type AdvisoryLockKey = KeysInput;

/** A constant, or a function of the method's parameters (after pipes). */
// oxlint-disable-next-line typescript/no-explicit-any -- see MethodAspect
export type AdvisoryLockKeyOption<A extends any[] = any[]> = KeysOption<A>;

/** `'exclusive'`: nobody else holds it. `'shared'`: others that share it may. */
export type AdvisoryLockMode = 'exclusive' | 'shared';

/** How an advisory lock is taken. */
export interface AdvisoryLockSettings {
  /** Default `'exclusive'`. */
  readonly mode?: AdvisoryLockMode;
  /**
   * How long to wait, for all keys together; 0 tries once. The timeout of the transaction bounds it,
   * too. Default `'5s'`.
   */
  readonly wait?: Duration;
  /**
   * When another transaction holds it: `'wait'` (default), `'skip'` the body and return undefined, or
   * `'throw'` `E_TRANSACTION_ADVISORY_HELD`.
   */
  readonly ifLocked?: 'wait' | 'skip' | 'throw';
}

/** `@Transactional({ advisoryLock: { … } })`. */
// oxlint-disable-next-line typescript/no-explicit-any -- see MethodAspect
export interface AdvisoryLockOptions<A extends any[] = any[]> extends AdvisoryLockSettings {
  /** What is locked. */
  readonly key: AdvisoryLockKeyOption<A>;
}

const DEFAULT_WAIT_MS = 5_000;

/** Schema of `AdvisoryLockOptions`, also for a key alone. */
export const advisoryLockSchema = v.pipe(
  v.unknown(),
  v.transform((value) => (isKey(value) ? { key: value } : value)),
  v.strictObject({
    key: v.custom<AdvisoryLockKeyOption>(isKey, 'expected a key, or a function that returns one'),
    mode: v.optional(v.picklist(['exclusive', 'shared']), 'exclusive'),
    wait: v.optional(durationSchema),
    ifLocked: v.optional(v.picklist(['wait', 'skip', 'throw']), 'wait'),
  }),
  v.check(
    (o) => o.wait === undefined || o.ifLocked === 'wait',
    "`wait` has no effect with ifLocked 'skip' or 'throw'; remove one of the two",
  ),
);

/** Options with defaults; `wait` in milliseconds. */
export type ResolvedAdvisoryLock = v.InferOutput<typeof advisoryLockSchema>;

/** What one call asks for. */
export interface AdvisoryLockRequest {
  readonly keys: EncodedKeys;
  readonly mode: AdvisoryLockMode;
  /** 0: do not wait. */
  readonly waitMs: number;
  readonly ifLocked: 'wait' | 'skip' | 'throw';
}

/**
 * The request of one call.
 * @throws InvalidKeyError `E_KEY_INVALID`
 */
export function advisoryLockRequest(
  { key, mode, wait, ifLocked }: ResolvedAdvisoryLock,
  args: readonly unknown[],
  label: string,
): AdvisoryLockRequest {
  const input = typeof key === 'function' ? key(...args) : key;
  const waitMs = ifLocked === 'wait' ? (wait ?? DEFAULT_WAIT_MS) : 0;
  return { keys: encodeKeys(input, label), mode, waitMs, ifLocked };
}

/**
 * Refuses a constant that is no key, where it is written.
 * @throws InvalidKeyError `E_KEY_INVALID`
 */
export function assertConstantKey(option: ResolvedAdvisoryLock | undefined, path: string): void {
  if (option && typeof option.key !== 'function') encodeKeys(option.key, `${path}.advisoryLock`);
}

function isKey(value: unknown): value is AdvisoryLockKeyOption {
  return value !== undefined && (typeof value !== 'object' || Array.isArray(value));
}
