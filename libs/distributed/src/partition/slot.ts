/** From key to slot: CRC16/XMODEM over 16384 slots, as Redis Cluster does it. */
import { canonicalKey } from './canonical-key.js';

/** Number of slots. Fixed for ever: it is part of where every row lies. */
export const SLOT_COUNT = 16_384;

/** CRC16/XMODEM (polynomial 0x1021, initial value 0), one entry per byte. */
const CRC16_TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  return crc;
});

/** CRC16/XMODEM checksum; `'123456789'` → 12739. */
export function crc16(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes)
    crc = ((crc << 8) ^ (CRC16_TABLE[(crc >> 8) ^ byte] as number)) & 0xffff;
  return crc;
}

/**
 * The slot of a key, 0 … 16383; the Redis Cluster slot of the same text.
 * @throws PartitionKeyError `E_PARTITION_KEY`
 */
export function slotOf(key: unknown, where?: string): number {
  return crc16(Buffer.from(hashTag(canonicalKey(key, where)))) % SLOT_COUNT;
}

/** Whether `value` is a slot number. */
export function isSlot(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < SLOT_COUNT;
}

/** Redis Cluster's rule: the text between the first `{` and the next `}`, unless that is empty. */
function hashTag(text: string): string {
  const open = text.indexOf('{');
  if (open < 0) return text;
  const close = text.indexOf('}', open + 1);
  return close > open + 1 ? text.slice(open + 1, close) : text;
}
