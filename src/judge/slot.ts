/**
 * The slot of a customer, computed on our own: the judge does not ask the library where a row
 * should be. CRC16/XMODEM of the key's UTF-8 bytes modulo 16384, as in the Redis Cluster
 * specification (without hash tags, which customers' names here do not contain).
 */

/** The number of slots of every slot map. */
export const SLOT_COUNT = 16_384;

const POLYNOMIAL = 0x1021;

/** The slot of a partition key. */
export function slotOf(key: string): number {
  let crc = 0;
  for (const byte of Buffer.from(key, 'utf8')) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++)
      crc = ((crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ POLYNOMIAL) & 0xffff;
  }
  return crc % SLOT_COUNT;
}

/** The shard that owns a key when the slots are split evenly, in the order of `shards`. */
export function homeShard(key: string, shards: readonly string[]): string {
  const shard = shards[Math.floor((slotOf(key) * shards.length) / SLOT_COUNT)];
  if (shard === undefined) throw new RangeError('There are no shards.');
  return shard;
}
