/** Ids that know their slot: UUIDv7 with the slot in the first 14 bits behind the variant. */
import { Injectable } from '@nestjs/common';
import { Clock, Random } from '../time/index.js';
import { InvalidSlotError } from './partition.errors.js';
import { isSlot } from './slot.js';

const UUID_V7 = /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-([89ab][\da-f]{3})-[\da-f]{12}$/i;
const SLOT_MASK = 0x3fff;
const COUNTER_LIMIT = 0x1000;

/**
 * Makes ids: 48 bits of milliseconds, 12 bits of counter, 14 bits of slot, 48 random bits. Within
 * one process they ascend, also when the wall clock steps back; between processes the random bits
 * keep them apart.
 */
@Injectable()
export class PartitionIds {
  #lastMs = 0;
  #counter = 0;

  constructor(
    private readonly clock: Clock,
    private readonly random: Random,
  ) {}

  /** A new id for a row of this slot. */
  next(slot: number): string {
    if (!isSlot(slot)) throw new InvalidSlotError(`${slot} is not a slot; expected 0-16383.`);
    this.#advance();
    const bytes = Buffer.alloc(16);
    bytes.writeUIntBE(this.#lastMs, 0, 6);
    bytes.writeUInt16BE(0x7000 | this.#counter, 6);
    bytes.writeUInt16BE(0x8000 | slot, 8);
    Buffer.from(this.random.token(), 'base64url').copy(bytes, 10, 0, 6);
    return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  }

  #advance(): void {
    const nowMs = Math.floor(this.clock.epochMs());
    this.#counter += 1;
    if (nowMs > this.#lastMs) {
      this.#lastMs = nowMs;
      this.#counter = 0;
    } else if (this.#counter === COUNTER_LIMIT) {
      this.#lastMs += 1;
      this.#counter = 0;
    }
  }
}

/**
 * The slot inside an id made by `PartitionService.newId()`. Any UUIDv7 has 14 bits there: ids made
 * elsewhere give a meaningless slot.
 * @throws InvalidSlotError `E_PARTITION_SLOT` for what is not a UUIDv7
 */
export function slotFromId(id: string): number {
  const match = UUID_V7.exec(id);
  if (!match) throw new InvalidSlotError('The id was not made by newId(): it is not a UUIDv7.');
  return Number.parseInt(match[1] as string, 16) & SLOT_MASK;
}
