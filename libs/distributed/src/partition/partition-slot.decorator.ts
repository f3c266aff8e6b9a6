/** `@PartitionSlot()`: the column in which every partitioned row carries its slot number. */
import { createRequire } from 'node:module';
import { defineSlotProperty } from './entity-partition.js';

/** Name of the slot column in every partitioned table. */
export const SLOT_COLUMN = '_slot';

/**
 * Property decorator that declares the `integer` column `_slot`, filled by the partitioned
 * repository and never updated. Stands alone: do not add `@Column()`.
 */
export function PartitionSlot(): PropertyDecorator {
  return (target, property) => {
    // Decorators cannot await, and a static import would make the optional peer mandatory.
    const { Column } = createRequire(import.meta.url)('typeorm') as typeof import('typeorm');
    Column({ name: SLOT_COLUMN, type: 'int', update: false })(target, property);
    defineSlotProperty(target.constructor, String(property));
  };
}
