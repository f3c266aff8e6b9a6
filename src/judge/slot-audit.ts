/** Looks for rows that lie on a shard which does not own their customer. */
import type { Judge } from './judge.js';
import { homeShard } from './slot.js';

/** Facts about the orders of a group of customers. */
export interface SlotAudit {
  /** All their rows, on every shard. */
  readonly rows: number;
  /** Rows on another shard than the one that owns the customer. */
  readonly misplaced: number;
}

/** Checks every order of customers whose name starts with `prefix`. */
export async function auditSlots(judge: Judge, prefix: string): Promise<SlotAudit> {
  const shards = Object.keys(judge.urls.shards);
  const rows = await judge.queryShards<{ customer_id: string }>(
    `SELECT customer_id FROM orders WHERE starts_with(customer_id, $1)`,
    [prefix],
  );
  return {
    rows: rows.length,
    misplaced: rows.filter((row) => homeShard(row.customer_id, shards) !== row.shard).length,
  };
}
