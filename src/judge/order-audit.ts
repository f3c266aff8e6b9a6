/** Checks that every order is there as a whole or not at all. */
import type { Judge } from './judge.js';

/** Facts about a set of orders. */
export interface OrderAudit {
  /** Order row, all stock movements and payment row are there. */
  readonly complete: readonly string[];
  /** Nothing is there. */
  readonly absent: readonly string[];
  /** Some of it is there, or some of it twice. */
  readonly partial: readonly string[];
}

interface Traces {
  readonly id: string;
  readonly orders: number;
  readonly movements: number;
  readonly payments: number;
}

const TRACES = `
  SELECT id,
         (SELECT count(*) FROM orders o WHERE o.id = asked.id) AS orders,
         (SELECT count(*) FROM stock_movements m WHERE m.order_id = asked.id) AS movements,
         (SELECT count(*) FROM order_payments p WHERE p.order_id = asked.id) AS payments
    FROM unnest($1::text[]) AS asked(id)`;

/** Checks the orders of `items`: order id → number of items, hence of stock movements. */
export async function auditOrders(
  judge: Judge,
  items: ReadonlyMap<string, number>,
): Promise<OrderAudit> {
  const found = await judge.queryShards<Traces>(TRACES, [[...items.keys()]]);
  const audit = { complete: [] as string[], absent: [] as string[], partial: [] as string[] };
  for (const [id, movements] of items) {
    const traces = found.filter((row) => row.id === id);
    const sum = (name: 'orders' | 'movements' | 'payments'): number =>
      traces.reduce((total, row) => total + row[name], 0);
    const whole = sum('orders') === 1 && sum('movements') === movements && sum('payments') === 1;
    const none = sum('orders') + sum('movements') + sum('payments') === 0;
    audit[whole ? 'complete' : none ? 'absent' : 'partial'].push(id);
  }
  return audit;
}
