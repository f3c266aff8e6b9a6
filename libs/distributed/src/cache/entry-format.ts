/**
 * The binary form of what Redis holds under an entry's key: a header of fixed layout that scripts
 * read and change in place, the tags, and the payload. All numbers are big-endian.
 *
 *     0  magic (2)           48  lease until (8)             88  key check (4)
 *     2  format (1)          56  created at (8)              92  generation: hard (8), soft (8)
 *     3  kind (1)            64  stale-while-revalidate (8) 108  number of tags (2)
 *     4  token (22)          72  stale-if-error (8)         110  tags: length (2), name,
 *    26  lease token (22)    80  load time (4)                   hard (8), soft (8) each
 *                            84  schema version (2)          …   payload
 *                            86  codec (1), flags (1)
 *
 * There is no expiry: the key's own lifetime in Redis, less the two stale durations, is what is left
 * of the fresh time. So no two clocks are ever compared, and a soft expiry is a shorter lifetime.
 */

/** 128 bits in base64url. */
const TOKEN_BYTES = 22;
/** So many bytes from the start tell one record, and one lease of it, from every other. */
export const IDENTITY_BYTES = 48;
/** So many bytes tell whether a value is the one a node holds, and how dear it was. */
export const HEAD_BYTES = 84;

/** A version of a tag or of a cache: entries made before `hard` are dead, before `soft` stale. */
export interface MarkVersion {
  readonly hard: number;
  readonly soft: number;
}

/** A tag of an entry, with the version it had when the entry was made. */
export interface EntryTag {
  readonly name: string;
  readonly version: MarkVersion;
}

/** `lease`: somebody loads a missing value; `error`: how that load failed. */
export type EntryKind = 'lease' | 'value' | 'error';

/** What stands in a header. Durations and times in milliseconds. */
export interface EntryHeader {
  readonly kind: EntryKind;
  /** Drawn for each fill, so a lease that was lost and taken again never passes for the first one. */
  readonly token: string;
  /** Schema version of the value. */
  readonly schema: number;
  readonly generation: MarkVersion;
  readonly tags: readonly EntryTag[];
  readonly staleWhileRevalidate: number;
  readonly staleIfError: number;
  /** How long the load took. */
  readonly loadMs: number;
  /** Wall clock of the writer; for display only. */
  readonly createdAt: number;
  readonly codec: number;
  readonly flags: number;
  /** See `keyCheck`. */
  readonly keyCheck: number;
}

/** A whole record, as read. */
export interface CacheEntry extends EntryHeader {
  /** Who refreshes the value now; '' for nobody. */
  readonly leaseToken: string;
  /** The first bytes as they are: see `IDENTITY_BYTES`. */
  readonly identity: Buffer;
  readonly payload: Buffer;
}

/** Bits of `flags`. */
export const EntryFlag = {
  /** The value is `null` or `undefined`. */
  negative: 1,
  compressed: 2,
  /** An error that everybody gets until it expires, not only those who waited for it. */
  cachedError: 4,
} as const;

const MAGIC = 0xd1c5;
const FORMAT = 1;
const KINDS: readonly EntryKind[] = ['lease', 'value', 'error'];
const FIXED_BYTES = 110;
const NO_PAYLOAD = Buffer.alloc(0);

/** The record of a lease: its token says who may fill it. */
export function formatLease(lease: FillLease): Buffer {
  return formatEntry({ ...LEASE_DEFAULTS, ...lease, kind: 'lease' }, NO_PAYLOAD);
}

/** The right to fill one entry. */
export interface FillLease {
  readonly token: string;
  readonly schema: number;
  readonly generation: MarkVersion;
}

const LEASE_DEFAULTS = {
  tags: [],
  staleWhileRevalidate: 0,
  staleIfError: 0,
  loadMs: 0,
  createdAt: 0,
  codec: 0,
  flags: 0,
  keyCheck: 0,
} satisfies Partial<EntryHeader>;

/** The bytes of a record, without any refresher. */
export function formatEntry(header: EntryHeader, payload: Buffer): Buffer {
  const names = header.tags.map(({ name }) => Buffer.from(name));
  const tagBytes = names.reduce((sum, name) => sum + 18 + name.length, 0);
  const bytes = Buffer.alloc(FIXED_BYTES + tagBytes + payload.length);
  bytes.writeUInt16BE(MAGIC, 0);
  bytes.writeUInt8(FORMAT, 2);
  bytes.writeUInt8(KINDS.indexOf(header.kind), 3);
  bytes.write(header.token, 4, TOKEN_BYTES, 'latin1');
  bytes.writeDoubleBE(header.createdAt, 56);
  bytes.writeDoubleBE(header.staleWhileRevalidate, 64);
  bytes.writeDoubleBE(header.staleIfError, 72);
  bytes.writeUInt32BE(Math.min(Math.round(header.loadMs), 0xffff_ffff), 80);
  bytes.writeUInt16BE(header.schema & 0xffff, 84);
  bytes.writeUInt8(header.codec, 86);
  bytes.writeUInt8(header.flags, 87);
  bytes.writeUInt32BE(header.keyCheck, 88);
  let end = writeVersion(bytes, header.generation, 92);
  end = bytes.writeUInt16BE(names.length, end);
  for (const [index, name] of names.entries()) {
    end = bytes.writeUInt16BE(name.length, end);
    end += name.copy(bytes, end);
    end = writeVersion(bytes, (header.tags[index] as EntryTag).version, end);
  }
  payload.copy(bytes, end);
  return bytes;
}

/** Reads a record; undefined for what this release did not write. */
export function parseEntry(bytes: Buffer): CacheEntry | undefined {
  if (bytes.length < FIXED_BYTES || bytes.readUInt16BE(0) !== MAGIC) return undefined;
  const kind = KINDS[bytes.readUInt8(3)];
  if (bytes.readUInt8(2) !== FORMAT || kind === undefined) return undefined;
  const tags: EntryTag[] = [];
  let end = FIXED_BYTES;
  for (let left = bytes.readUInt16BE(108); left > 0; left--) {
    const start = end + 2;
    if (start > bytes.length) return undefined;
    end = start + bytes.readUInt16BE(end);
    if (end + 16 > bytes.length) return undefined;
    const name = bytes.toString('utf8', start, end);
    tags.push({ name, version: readVersion(bytes, end) });
    end += 16;
  }
  return {
    kind,
    token: tokenAt(bytes, 4),
    leaseToken: tokenAt(bytes, 26),
    createdAt: bytes.readDoubleBE(56),
    staleWhileRevalidate: bytes.readDoubleBE(64),
    staleIfError: bytes.readDoubleBE(72),
    loadMs: bytes.readUInt32BE(80),
    schema: bytes.readUInt16BE(84),
    codec: bytes.readUInt8(86),
    flags: bytes.readUInt8(87),
    keyCheck: bytes.readUInt32BE(88),
    generation: readVersion(bytes, 92),
    tags,
    identity: bytes.subarray(0, IDENTITY_BYTES),
    payload: bytes.subarray(end),
  };
}

/** The load time in a header's first bytes. */
export function loadTime(head: Buffer): number {
  return head.length >= HEAD_BYTES ? head.readUInt32BE(80) : 0;
}

/** The token of a header's first bytes; undefined unless they belong to a value. */
export function valueToken(head: Buffer): string | undefined {
  const ours = head.length >= IDENTITY_BYTES && head.readUInt16BE(0) === MAGIC;
  if (!ours || head.readUInt8(2) !== FORMAT || KINDS[head.readUInt8(3)] !== 'value')
    return undefined;
  return tokenAt(head, 4);
}

/**
 * 32 bits of a key (FNV-1a), kept with its value: a record that came under another key's name, by a
 * copy or a mistake, is not served.
 */
export function keyCheck(key: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < key.length; index++)
    hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}

/** 48 bits of a token: enough for memory to tell a value from its successor. */
export function tokenMark(token: string): number {
  const bytes = Buffer.alloc(6);
  bytes.write(token, 'base64url');
  return bytes.readUIntBE(0, 6);
}

/** A token as the scripts compare it. */
export function tokenBytes(token: string): Buffer {
  const bytes = Buffer.alloc(TOKEN_BYTES);
  bytes.write(token, 'latin1');
  return bytes;
}

function tokenAt(bytes: Buffer, start: number): string {
  const text = bytes.toString('latin1', start, start + TOKEN_BYTES);
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
}

function writeVersion(bytes: Buffer, { hard, soft }: MarkVersion, start: number): number {
  return bytes.writeDoubleBE(soft, bytes.writeDoubleBE(hard, start));
}

function readVersion(bytes: Buffer, start: number): MarkVersion {
  return { hard: bytes.readDoubleBE(start), soft: bytes.readDoubleBE(start + 8) };
}
