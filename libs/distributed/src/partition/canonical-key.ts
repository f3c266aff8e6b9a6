/** Canonical bytes of a partition key: equal keys have equal bytes, whatever JavaScript type carries them. */
import { PartitionKeyError } from './partition.errors.js';

/** One part of a partition key. A `number` must be a safe integer; `42`, `42n` and `'42'` are one key. */
export type PartitionKeyPart = string | number | bigint;

/** A partition key: one value, or two and more that are joined without ambiguity. */
export type PartitionKeyInput = PartitionKeyPart | readonly PartitionKeyPart[];

const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i;

/**
 * The canonical text of a key; its UTF-8 bytes are what is hashed. Integers become decimals, UUIDs
 * lower case, other strings stay as given. Parts of a composite key are prefixed with their length
 * in bytes, so `['a:b', 'c']` and `['a', 'b:c']` differ.
 * @param where whose key it is, for the message: `Orders.create`
 * @throws PartitionKeyError `E_PARTITION_KEY` for anything that cannot identify a partition
 */
export function canonicalKey(key: unknown, where = 'The partition key'): string {
  if (!Array.isArray(key)) return canonicalPart(key, where);
  const parts: readonly unknown[] = key;
  if (parts.length < 2)
    throw new PartitionKeyError(
      where,
      'is an array of fewer than two parts; pass the value itself',
    );
  return parts
    .map((part, index) => {
      const text = canonicalPart(part, `${where} (part ${index})`);
      return `${Buffer.byteLength(text)}:${text}`;
    })
    .join('');
}

function canonicalPart(part: unknown, where: string): string {
  if (typeof part === 'string') return canonicalText(part, where);
  if (typeof part === 'bigint') return part.toString();
  if (Number.isSafeInteger(part)) return String(part);
  throw new PartitionKeyError(where, `is ${kindOf(part)}`);
}

function canonicalText(text: string, where: string): string {
  if (text === '') throw new PartitionKeyError(where, 'is an empty string');
  if (text.length === 36 && UUID.test(text)) return text.toLowerCase();
  // A lone surrogate has no UTF-8 form: two different keys would share the replacement character.
  if (/[\ud800-\udfff]/u.test(text))
    throw new PartitionKeyError(where, 'is not well-formed Unicode');
  return text;
}

/** Names the mistake without quoting the value, which may be personal data. */
function kindOf(part: unknown): string {
  if (part === null || part === undefined) return String(part);
  if (typeof part !== 'number') return part instanceof Date ? 'a Date' : `of type ${typeof part}`;
  if (!Number.isFinite(part)) return String(part);
  return Number.isInteger(part) ? 'an integer beyond ±(2^53 - 1); use a bigint' : 'a fraction';
}
