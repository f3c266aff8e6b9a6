/** `@Partitioned()`: runs a method on the shard of its partition key. */
import * as v from 'valibot';
import { type MethodAspect, weave } from '../aspects/index.js';
import { validateOptions } from '../distributed.validation.js';
import type { PartitionKeyInput } from './canonical-key.js';
import { readPath } from './entity-partition.js';
import { type PartitionKeyParameter, partitionKeyParameters } from './partition-key.decorator.js';

/** Options of `@Partitioned()`. */
// oxlint-disable-next-line typescript/no-explicit-any -- see MethodAspect
export interface PartitionedOptions<A extends any[] = any[]> {
  /**
   * Where the key is, instead of a `@PartitionKey()` parameter: a function of the method's
   * parameters, or a property path in the first argument (`'customerId'`).
   */
  readonly key?: string | ((...args: A) => PartitionKeyInput);
  /** Overrides the place in `ASPECT_ORDER`. */
  readonly order?: number;
}

/** One place a method takes its key from. */
export interface KeySource {
  /** As the user wrote it. */
  readonly written: string;
  read(args: readonly unknown[]): unknown;
}

/** What the aspect needs: exactly one source is valid, checked at boot. */
export interface PartitionedAspectOptions {
  readonly sources: readonly KeySource[];
}

type KeyFunction = (...args: readonly unknown[]) => unknown;

const optionsSchema = v.strictObject({
  key: v.optional(
    v.union([
      v.pipe(v.string(), v.nonEmpty()),
      v.custom<KeyFunction>(
        (value) => typeof value === 'function',
        'expected a path or a function',
      ),
    ]),
  ),
  order: v.optional(v.number()),
});

/**
 * Routes a method: its partition key decides the slot, the slot decides the shard, and every
 * partitioned repository used inside works on that shard.
 *
 * Inside another partition: the same slot joins; another shard gets a context of its own, unless a
 * transaction is open, which is refused (`E_PARTITION_CROSS_SHARD`).
 * @throws PartitionKeyError `E_PARTITION_KEY`, ShardUnavailableError `E_PARTITION_SHARD_UNAVAILABLE`
 */
// oxlint-disable-next-line typescript/no-explicit-any -- see MethodAspect
export function Partitioned<A extends any[] = any[]>(
  options: PartitionedOptions<A> = {},
): MethodAspect<A> {
  const decorate = (
    target: object,
    methodName: string | symbol,
    descriptor: PropertyDescriptor,
  ): void => {
    // Parameter decorators run before method decorators, so the marks are there already.
    const parameters = partitionKeyParameters(target, methodName);
    const aspect = weave<PartitionedAspectOptions>({
      kind: 'partition',
      decorator: 'Partitioned',
      order: options.order,
      options: (path) => {
        const { key } = validateOptions(optionsSchema, options, path);
        return { sources: [...sourcesOf(key), ...parameters.map(parameterSource)] };
      },
    });
    (aspect as MethodDecorator)(target, methodName, descriptor);
  };
  return decorate as MethodAspect<A>;
}

function sourcesOf(key: string | KeyFunction | undefined): KeySource[] {
  if (key === undefined) return [];
  return typeof key === 'string'
    ? [{ written: `key: '${key}'`, read: (args) => readPath(args[0], key) }]
    : [{ written: 'key: function', read: (args) => key(...args) }];
}

function parameterSource({ index, path }: PartitionKeyParameter): KeySource {
  return {
    written: `@PartitionKey(${path === undefined ? '' : `'${path}'`}) on parameter ${index}`,
    read: (args) => (path === undefined ? args[index] : readPath(args[index], path)),
  };
}
