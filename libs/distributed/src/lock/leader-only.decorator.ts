/** `@LeaderOnly`: runs in one application of many, the elected leader. */
import { encodeKey, type KeyInput, type MethodAspect, weave } from '../aspects/index.js';
import { validateOptions } from '../distributed.validation.js';
import type { KeylessMethodAspect } from './distributed-lock.decorator.js';
import {
  type LeaderAspectOptions,
  electionSchemas,
  type LeaderOnlyOptions,
} from './election.options.js';

/** Fits asynchronous methods whose callers expect `undefined`: that is what a skipped call returns. */
export type SkippableMethodAspect = <
  // oxlint-disable-next-line typescript/no-explicit-any -- see MethodAspect
  M extends (...args: any[]) => Promise<any>,
>(
  target: object,
  propertyKey: string | symbol,
  descriptor: TypedPropertyDescriptor<M> &
    (undefined extends Awaited<ReturnType<M>>
      ? unknown
      : { readonly 'a skipped call returns undefined: say so, or use ifNotLeader throw': never }),
) => void;

/**
 * Runs the method in the leader of the election `name`; in the other applications a call does nothing
 * and returns undefined. Methods with the same name share one leadership. The application takes part
 * from boot on; calls made before the first election is decided are skipped, too. In the method
 * `currentLock()` is the leadership, and its `fencingToken` the number of the term.
 *
 * @example
 * ```ts
 * @Interval(60_000)
 * @LeaderOnly('importer')
 * async import(): Promise<void> {}
 *
 * @LeaderOnly('importer', { ifNotLeader: 'throw' })
 * async reimport(file: string): Promise<number> {}
 * ```
 * @throws InvalidOptionsError `E_OPTIONS_INVALID`, InvalidKeyError `E_KEY_INVALID`, at decoration;
 *   the former at boot when methods give one election different options
 */
export function LeaderOnly(
  name: KeyInput,
  options: LeaderOnlyOptions & { ifNotLeader: 'throw' },
): KeylessMethodAspect;
export function LeaderOnly(name: KeyInput, options?: LeaderOnlyOptions): SkippableMethodAspect;
export function LeaderOnly(
  name: KeyInput,
  { order, lease, ...execute }: LeaderOnlyOptions = {},
): MethodAspect | SkippableMethodAspect {
  return weave<LeaderAspectOptions>({
    kind: 'leader',
    decorator: 'LeaderOnly',
    order,
    options: (path) => {
      const election = lease === undefined ? {} : { lease };
      validateOptions(electionSchemas.decorator, { ...election, ...execute }, path);
      encodeKey(name, path);
      return { name, election, execute };
    },
  });
}
