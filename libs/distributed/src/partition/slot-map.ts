/** Which shard owns which slot: complete, without overlap, immutable. */
import { InvalidOptionsError } from '../distributed.errors.js';
import { isSlot, SLOT_COUNT } from './slot.js';

/** Inclusive slot range. */
export type SlotRange = readonly [from: number, to: number];

/** The slots of one shard: `'0-8191'`, `'0-99,200'`, or `[[0, 8191]]`. */
export interface SlotAssignment {
  readonly shard: string;
  readonly slots: string | readonly SlotRange[];
}

const UNOWNED = 0xffff;

/** An explicit map from slot to shard. Data, not a formula: moving one slot moves nothing else. */
export class SlotMap {
  /** Shard ids, in the order given. */
  readonly shards: readonly string[];
  readonly #owners: Uint16Array;

  private constructor(shards: readonly string[], owners: Uint16Array) {
    this.shards = Object.freeze([...shards]);
    this.#owners = owners;
  }

  /** Contiguous ranges of equal size, in the order of `shards`. */
  static even(shards: readonly string[]): SlotMap {
    const owners = Uint16Array.from({ length: SLOT_COUNT }, (_, slot) =>
      Math.floor((slot * shards.length) / SLOT_COUNT),
    );
    return new SlotMap(shards, owners);
  }

  /**
   * The map that the user wrote down.
   * @param path where it stands, for messages
   * @throws InvalidOptionsError `E_OPTIONS_INVALID`: unknown shard, bad range, overlap or gap
   */
  static of(
    shards: readonly string[],
    assignments: readonly SlotAssignment[],
    path: string,
  ): SlotMap {
    const owners = new Uint16Array(SLOT_COUNT).fill(UNOWNED);
    for (const [index, { shard, slots }] of assignments.entries()) {
      const at = `${path}.${index}`;
      const owner = shards.indexOf(shard);
      if (owner < 0)
        throw new InvalidOptionsError(`${at}.shard`, `unknown shard '${shard}'; add it to shards`);
      for (const range of parseRanges(slots, `${at}.slots`))
        claim(owners, owner, { range, shards, at: `${at}.slots` });
    }
    const gap = owners.indexOf(UNOWNED);
    if (gap >= 0)
      throw new InvalidOptionsError(path, `slot ${gap} has no shard; cover 0-${SLOT_COUNT - 1}`);
    return new SlotMap(shards, owners);
  }

  /** The shard that owns a slot (0 … 16383). */
  shardOf(slot: number): string {
    const shard = this.shards[this.#owners[slot] ?? UNOWNED];
    if (shard === undefined) throw new RangeError(`slot ${slot} is not in 0-${SLOT_COUNT - 1}`);
    return shard;
  }

  /** The slots of a shard as inclusive ranges, ascending; empty for a shard that owns none. */
  rangesOf(shard: string): readonly SlotRange[] {
    const owner = this.shards.indexOf(shard);
    const ranges: [number, number][] = [];
    for (const [slot, current] of this.#owners.entries()) {
      if (current !== owner) continue;
      const last = ranges.at(-1);
      if (last?.[1] === slot - 1) last[1] = slot;
      else ranges.push([slot, slot]);
    }
    return ranges;
  }
}

function parseRanges(slots: SlotAssignment['slots'], path: string): readonly SlotRange[] {
  if (typeof slots !== 'string') return slots;
  if (slots.trim() === '') return [];
  return slots.split(',').map((text): SlotRange => {
    const match = /^\s*(\d+)(?:\s*-\s*(\d+))?\s*$/.exec(text);
    if (!match) throw new InvalidOptionsError(path, `'${text}' is not a range such as '0-8191'`);
    return [Number(match[1]), Number(match[2] ?? match[1])];
  });
}

function claim(
  owners: Uint16Array,
  owner: number,
  { range: [from, to], shards, at }: { range: SlotRange; shards: readonly string[]; at: string },
): void {
  if (!isSlot(from) || !isSlot(to) || from > to)
    throw new InvalidOptionsError(at, `${from}-${to} is not a range inside 0-${SLOT_COUNT - 1}`);
  for (let slot = from; slot <= to; slot++) {
    const other = shards[owners[slot] ?? UNOWNED];
    if (other !== undefined)
      throw new InvalidOptionsError(at, `slot ${slot} is given twice, first to '${other}'`);
    owners[slot] = owner;
  }
}
