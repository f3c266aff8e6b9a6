/** Keeps rows where they belong: fills the slot column and refuses rows of another partition. */
import { type EntityPartition, keyOfRow } from './entity-partition.js';
import { WrongSlotError } from './partition.errors.js';
import { slotOf } from './slot.js';
import type { SlotMap } from './slot-map.js';

/** Where a row is about to be written. */
export interface Place {
  readonly shard: string;
  /** `undefined`: any slot of the shard. */
  readonly slot: number | undefined;
}

/** The rule of one application; pure, no SQL. */
export class SlotGuard {
  constructor(private readonly map: SlotMap) {}

  /**
   * Checks a row that will be inserted and fills its slot column.
   * @throws PartitionKeyError `E_PARTITION_KEY` when the row has no usable key
   * @throws WrongSlotError `E_PARTITION_WRONG_SLOT`
   */
  admitNew(partition: EntityPartition, row: object, place: Place): void {
    const slot = this.#check(partition, keyOfRow(partition, row), place);
    const fields = row as Record<string, unknown>;
    const given = fields[partition.slotProperty];
    if (given !== undefined && given !== null && given !== slot)
      throw new WrongSlotError(partition.entity, slot, `its slot column says otherwise`);
    fields[partition.slotProperty] = slot;
  }

  /** Like `admitNew`, but a row without a key (a partial update) passes untouched. */
  admit(partition: EntityPartition, row: object, place: Place): void {
    if (keyOfRow(partition, row) !== undefined) this.admitNew(partition, row, place);
  }

  /** Checks a row that exists, without changing it; a row without a key passes. */
  verify(partition: EntityPartition, row: object, place: Place): void {
    const key = keyOfRow(partition, row);
    if (key !== undefined) this.#check(partition, key, place);
  }

  #check(partition: EntityPartition, key: unknown, place: Place): number {
    const slot = slotOf(key, `${partition.entity}.${partition.keyPaths.join('+')}`);
    if (place.slot !== undefined && slot !== place.slot)
      throw new WrongSlotError(
        partition.entity,
        slot,
        `the current partition is slot ${place.slot}`,
      );
    if (this.map.shardOf(slot) !== place.shard)
      throw new WrongSlotError(
        partition.entity,
        slot,
        `shard '${place.shard}' does not own it (shard '${this.map.shardOf(slot)}' does)`,
      );
    return slot;
  }
}
