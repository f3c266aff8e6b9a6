/** Finds reads that returned an older price than one already acknowledged when they were sent. */
import type { Judge } from './judge.js';

/** An acknowledged change; times are of the load generator's clock. */
export interface AcknowledgedChange {
  readonly sku: string;
  readonly version: number;
  /** When the client had the answer, milliseconds. */
  readonly acknowledgedAt: number;
}

/** A read that was answered. */
export interface ObservedRead {
  readonly sku: string;
  readonly version: number;
  /** When the client sent it, milliseconds. */
  readonly sentAt: number;
}

/** A change counts this long after its acknowledgement: time for the client's own scheduling. */
export const GRACE_MS = 100;

/** The reads that returned a version older than one acknowledged `GRACE_MS` before they were sent. */
export function staleReads(
  reads: readonly ObservedRead[],
  changes: readonly AcknowledgedChange[],
): ObservedRead[] {
  return reads.filter((read) =>
    changes.some(
      (change) =>
        change.sku === read.sku &&
        change.version > read.version &&
        change.acknowledgedAt + GRACE_MS <= read.sentAt,
    ),
  );
}

/** How often the price of `sku` was loaded from the database. */
export async function countPriceLoads(judge: Judge, sku: string): Promise<number> {
  const [row] = await judge.query<{ loads: number }>(
    judge.urls.inventory,
    `SELECT count(*) AS loads FROM price_loads WHERE sku = $1`,
    [sku],
  );
  return row?.loads ?? 0;
}
