/** `@PartitionKey()`: marks the parameter that holds the partition key. */
import 'reflect-metadata';
import { PartitionKeySourceError } from './partition.errors.js';

const PARAMETERS = Symbol.for('nestjs-distributed:partition-key');

/** A parameter marked with `@PartitionKey()`. */
export interface PartitionKeyParameter {
  readonly index: number;
  /** Property path inside the argument; `undefined`: the argument itself. */
  readonly path: string | undefined;
}

/**
 * The parameter's value, after pipes, is the partition key of a `@Partitioned()` method.
 * @param path property path inside the value: `@PartitionKey('customer.id')`
 * @throws PartitionKeySourceError `E_PARTITION_KEY_SOURCE` on constructor parameters
 */
export function PartitionKey(path?: string): ParameterDecorator {
  return (target, methodName, index) => {
    if (methodName === undefined)
      throw new PartitionKeySourceError(
        `@PartitionKey() on the constructor of ${(target as { name?: string }).name ?? 'a class'}`,
        'a constructor is not routed',
      );
    const marked = [...partitionKeyParameters(target, methodName), { index, path }];
    Reflect.defineMetadata(PARAMETERS, marked, target, methodName);
  };
}

/** The marked parameters of a method, those of this very class only: an override has its own. */
export function partitionKeyParameters(
  target: object,
  methodName: string | symbol,
): readonly PartitionKeyParameter[] {
  return (
    (Reflect.getOwnMetadata(PARAMETERS, target, methodName) as
      | readonly PartitionKeyParameter[]
      | undefined) ?? []
  );
}
