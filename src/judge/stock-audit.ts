/** What a flash sale left behind in the inventory's database. */
import type { Judge } from './judge.js';

/** Facts about one product after its sale. */
export interface StockAudit {
  /** Rows in `purchases`. */
  readonly sold: number;
  /** What `products.stock` says is left. */
  readonly left: number;
  /** Purchases beyond the stock. */
  readonly oversold: number;
  /** 1 when stock and purchases do not add up, otherwise 0. */
  readonly inconsistent: number;
  /** Transactions of late holders that the fence refused. */
  readonly refused: number;
}

/** Compares stock and purchases of `sku`, which started with `stock` pieces. */
export async function auditStock(judge: Judge, sku: string, stock: number): Promise<StockAudit> {
  const [row] = await judge.query<{ sold: number; left: number; refused: number }>(
    judge.urls.inventory,
    `SELECT (SELECT count(*) FROM purchases WHERE sku = $1) AS sold, stock AS left,
            (SELECT count(*) FROM late_holders WHERE right(lock_key, length($1)) = $1) AS refused
       FROM products WHERE sku = $1`,
    [sku],
  );
  const sold = row?.sold ?? 0;
  const left = row?.left ?? Number.NaN;
  return {
    sold,
    left,
    oversold: Math.max(0, sold - stock),
    inconsistent: left === stock - sold ? 0 : 1,
    refused: row?.refused ?? 0,
  };
}
