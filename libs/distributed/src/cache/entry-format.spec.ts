/** The bytes of records: what is written is read, anything else is foreign. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  type EntryHeader,
  formatEntry,
  formatLease,
  keyCheck,
  parseEntry,
  valueToken,
} from './entry-format.js';

const version = { hard: 17, soft: 18 };
const lease = { token: 'abcdefghijklmnopqrstuv', schema: 2, generation: version };

const headers: fc.Arbitrary<EntryHeader> = fc.record({
  kind: fc.constantFrom('lease', 'value', 'error'),
  token: fc.stringMatching(/^[\w-]{1,22}$/),
  schema: fc.nat(0xffff),
  generation: fc.record({ hard: fc.maxSafeNat(), soft: fc.maxSafeNat() }),
  tags: fc.array(
    fc.record({
      name: fc.string({ unit: 'grapheme' }),
      version: fc.record({ hard: fc.maxSafeNat(), soft: fc.maxSafeNat() }),
    }),
    { maxLength: 5 },
  ),
  staleWhileRevalidate: fc.maxSafeNat(),
  staleIfError: fc.maxSafeNat(),
  loadMs: fc.nat(0xffff_ffff),
  createdAt: fc.maxSafeNat(),
  codec: fc.nat(255),
  flags: fc.nat(255),
  keyCheck: fc.nat(0xffff_ffff),
});

describe('records', () => {
  it('read what they write', () => {
    fc.assert(
      fc.property(headers, fc.uint8Array(), (header, bytes) => {
        const payload = Buffer.from(bytes);
        const entry = parseEntry(formatEntry(header, payload));
        expect(entry).toMatchObject({ ...header, leaseToken: '' });
        expect(entry?.payload.equals(payload)).toBe(true);
        expect(entry?.identity).toHaveLength(48);
      }),
    );
  });

  it('tell a value from a lease by their first bytes', () => {
    expect(parseEntry(formatLease(lease))).toMatchObject({ ...lease, kind: 'lease' });
    const value = { ...(parseEntry(formatLease(lease)) as EntryHeader), kind: 'value' as const };
    const head = formatEntry(value, Buffer.from('x')).subarray(0, 48);
    expect(valueToken(head)).toBe(lease.token);
    expect(valueToken(formatLease(lease))).toBeUndefined();
    expect(valueToken(Buffer.alloc(0))).toBeUndefined();
  });

  it('call anything else foreign, and never throw', () => {
    const whole = formatEntry(
      {
        ...(parseEntry(formatLease(lease)) as EntryHeader),
        tags: [{ name: 'tag', version }],
      },
      Buffer.alloc(0),
    );
    for (let length = 0; length < whole.length; length++)
      expect(parseEntry(whole.subarray(0, length))).toBeUndefined();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(parseEntry(Buffer.from(bytes))).toBeUndefined();
      }),
    );
  });

  it('keep a check of their key', () => {
    expect(keyCheck('sa')).not.toBe(keyCheck('sb'));
    expect(keyCheck('')).toBe(0x811c9dc5);
  });
});
