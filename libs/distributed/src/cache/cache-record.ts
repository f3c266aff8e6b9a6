/**
 * What Redis holds under an entry's key: a value, or the lease of whoever loads it. Text:
 * `V1 <stamp> <token>\n<value>` or `L1 <stamp> <token>`. The stamp is the cache's generation and
 * schema version; only records of the current stamp count. The token is drawn per fill, not per
 * process, so that a lease which was lost and taken again is never mistaken for the first one.
 */

/** A record as read. `header` identifies it without its value. */
export interface CacheRecord {
  readonly kind: 'value' | 'lease' | 'foreign';
  readonly header: string;
  readonly stamp: string;
  readonly token: string;
  /** The encoded value; empty for leases. */
  readonly text: string;
}

/** The right to fill one entry. */
export interface FillLease {
  readonly stamp: string;
  readonly token: string;
}

/** The record of a lease. */
export function formatLease(lease: FillLease): string {
  return `L1 ${lease.stamp} ${lease.token}`;
}

/** The record of a value, filled under `lease`. */
export function formatValue(lease: FillLease, text: string): string {
  return `V1 ${lease.stamp} ${lease.token}\n${text}`;
}

/** Of an unknown record so many characters identify it. */
const FOREIGN_HEADER = 64;

/** Reads a record; what another format wrote is `foreign`, to be replaced. */
export function parseRecord(raw: string): CacheRecord {
  const end = raw.indexOf('\n');
  const header = end < 0 ? raw : raw.slice(0, end);
  const [format, stamp, token, ...rest] = header.split(' ');
  if (stamp !== undefined && token !== undefined && rest.length === 0) {
    if (format === 'V1' && end >= 0)
      return { kind: 'value', header, stamp, token, text: raw.slice(end + 1) };
    if (format === 'L1' && end < 0) return { kind: 'lease', header, stamp, token, text: '' };
  }
  return { kind: 'foreign', header: raw.slice(0, FOREIGN_HEADER), stamp: '', token: '', text: '' };
}
