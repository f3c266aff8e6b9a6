/** Values as bytes and back. Each entry names its codec, so an application can change its mind live. */
import { promisify } from 'node:util';
import { deflateRaw, inflateRaw } from 'node:zlib';
import { Packr } from 'msgpackr';
import { CacheValueError } from './cache.errors.js';
import { EntryFlag } from './entry-format.js';
import { deepFreeze, type PlainForm, plainForm } from './plain-data.js';
import { decodeJson, encodeJson } from './tagged-json.js';

/** How values are written: compact, or readable with `redis-cli`. */
export type CacheCodecName = 'msgpack' | 'json';

/** A stored form. */
export interface EncodedValue {
  readonly codec: number;
  readonly flags: number;
  readonly payload: Buffer;
}

/** How callers may treat what they get. */
export type CacheIsolation = 'freeze' | 'clone' | 'share';

const JSON_CODEC = 0;
const MSGPACK_CODEC = 1;

/** Field names are written once per shape and value (inline records): no schema beside the bytes. */
const packr = new Packr({ useRecords: true, moreTypes: true, useBigIntExtension: true });

/** Level 1: Redis and the network gain most of it, the processor pays least. */
const deflate = promisify(deflateRaw);
const inflate = promisify(inflateRaw);

/**
 * The stored form of a value, uncompressed.
 * @throws CacheValueError `E_CACHE_VALUE` for what is not plain data
 */
export function encodeValue(value: unknown, label: string, codec: CacheCodecName): EncodedValue {
  try {
    return encodePlain(value, plainForm(value, label), codec);
  } catch (error) {
    if (error instanceof RangeError)
      throw new CacheValueError(label, 'is nested too deeply', { cause: error });
    throw error;
  }
}

function encodePlain(value: unknown, plain: PlainForm, codec: CacheCodecName): EncodedValue {
  const flags = value === null || value === undefined ? EntryFlag.negative : 0;
  return codec === 'json' || plain.exotic
    ? { codec: JSON_CODEC, flags, payload: Buffer.from(encodeJson(plain.value)) }
    : // A copy: what the packer returns is a view of a buffer it will write to again.
      { codec: MSGPACK_CODEC, flags, payload: Buffer.from(packr.pack(plain.value)) };
}

/** The value of a stored form; frozen at every depth unless it is to be shared. Throws on damage. */
export function decodeValue(
  { codec, payload }: EncodedValue,
  isolation: CacheIsolation = 'freeze',
): unknown {
  const value = decodePlain(codec, payload);
  return isolation === 'share' ? value : deepFreeze(value);
}

function decodePlain(codec: number, payload: Buffer): unknown {
  switch (codec) {
    case JSON_CODEC:
      return decodeJson(payload.toString());
    case MSGPACK_CODEC:
      return packr.unpack(payload);
    default:
      throw new TypeError(`unknown codec ${codec}`);
  }
}

/** Compresses a stored form of at least `threshold` bytes, if that makes it smaller. */
export async function compressed(value: EncodedValue, threshold: number): Promise<EncodedValue> {
  if (value.payload.length < threshold) return value;
  const payload = await deflate(value.payload, { level: 1 });
  if (payload.length >= value.payload.length) return value;
  return { ...value, payload, flags: value.flags | EntryFlag.compressed };
}

/** Undoes `compressed`. Rejects on damage. */
export async function decompressed(value: EncodedValue): Promise<EncodedValue> {
  if (!(value.flags & EntryFlag.compressed)) return value;
  const payload = await inflate(value.payload);
  return { ...value, payload, flags: value.flags & ~EntryFlag.compressed };
}
