/** Options of semaphores: what users write, and the schemas. */
import * as v from 'valibot';
import type { KeyOption } from '../aspects/index.js';
import { validateOptions } from '../distributed.validation.js';
import {
  type LockExecuteOptions,
  lockFields,
  type LockOptions,
  type LockTryOptions,
  type ParsedLockOptions,
  permitTryFields,
  signalField,
  WAIT_IS_IDLE,
  waitFitsIfLocked,
} from './lock.options.js';

/** What a call that takes a permit may say about it; the rest it has from its semaphore. */
export type SemaphoreExecuteOptions = Omit<LockExecuteOptions, 'fairness' | 'mode'>;

/** `LockService.semaphore(name, { … })`. */
export interface SemaphoreOptions extends Omit<LockOptions, 'fairness' | 'mode'> {
  /** How many permits there are: the same number wherever this semaphore is used. At least 1. */
  limit: number;
}

/** Options of `@Semaphore({ … })`. */
// oxlint-disable-next-line typescript/no-explicit-any -- see MethodAspect
export interface SemaphoreDecoratorOptions<A extends any[] = any[]> extends SemaphoreOptions {
  /** Which semaphore: a constant, or a function of the method's parameters. */
  key: KeyOption<A>;
  /** Overrides the place in `ASPECT_ORDER`. */
  order?: number;
}

/** Options of `DistributedSemaphore.tryAcquire`. */
export type SemaphoreTryOptions = Omit<LockTryOptions, 'mode'>;

/** Options of `DistributedSemaphore.acquire`. */
export type SemaphoreAcquireOptions = SemaphoreTryOptions & Pick<LockExecuteOptions, 'wait'>;

const { fairness: _fairness, mode: _mode, ...permitFields } = lockFields;
const limitField = {
  limit: v.pipe(
    v.number(),
    v.integer('must be a whole number'),
    v.minValue(1, 'must be at least 1'),
  ),
};

/** Schemas, one per place where options are written. */
export const semaphoreSchemas = {
  semaphore: v.pipe(
    v.strictObject({ ...permitFields, ...limitField }),
    v.check((options) => waitFitsIfLocked(options), WAIT_IS_IDLE),
  ),
  permitExecute: v.pipe(
    v.strictObject({ ...permitFields, ...signalField }),
    v.check((options) => waitFitsIfLocked(options), WAIT_IS_IDLE),
  ),
  permitAcquire: v.strictObject({ ...permitTryFields, wait: lockFields.wait }),
};

/** Validated options of a semaphore. */
export type ParsedSemaphoreOptions = v.InferOutput<typeof semaphoreSchemas.semaphore>;

/** Checks what is said about a semaphore or one of its permits. */
export function parsePermitOptions(
  kind: 'semaphore',
  options: SemaphoreOptions,
): ParsedSemaphoreOptions;
export function parsePermitOptions(
  kind: 'permitExecute' | 'permitAcquire',
  options: SemaphoreExecuteOptions,
): ParsedLockOptions;
export function parsePermitOptions(
  kind: 'semaphore' | 'permitExecute' | 'permitAcquire',
  options: SemaphoreExecuteOptions,
): ParsedLockOptions {
  const path = kind === 'semaphore' ? 'LockService.semaphore() options' : 'semaphore options';
  return validateOptions(semaphoreSchemas[kind], options, path);
}
