/** `@PartitionedEntity()`: says by which property the rows of an entity are spread over shards. */
import * as v from 'valibot';
import { validateOptions } from '../distributed.validation.js';
import { definePartition } from './entity-partition.js';

/** Options of `@PartitionedEntity()`. */
export interface PartitionedEntityOptions {
  /** Property path of the key (`'customerId'`, `'owner.id'`), or several for a composite key. */
  readonly key: string | readonly string[];
  /**
   * Colocation group: entities of one group have the same kind of key, so related rows lie on the
   * same shard. Relations between groups are refused at boot. Default `'default'`.
   */
  readonly group?: string;
}

const pathSchema = v.pipe(v.string(), v.regex(/^\w+(\.\w+)*$/, 'expected a property path'));
const optionsSchema = v.strictObject({
  key: v.union([pathSchema, v.pipe(v.array(pathSchema), v.minLength(2))]),
  group: v.optional(v.pipe(v.string(), v.nonEmpty()), 'default'),
});

/**
 * Class decorator for TypeORM entities whose rows are spread over shards.
 * @throws InvalidOptionsError `E_OPTIONS_INVALID`
 */
export function PartitionedEntity(options: PartitionedEntityOptions): ClassDecorator {
  return (target) => {
    const path = `@PartitionedEntity() on ${target.name}`;
    const { key, group } = validateOptions(optionsSchema, options, path);
    definePartition(target, { group, keyPaths: typeof key === 'string' ? [key] : key });
  };
}
