/** Compares the provider's ledger and the payments table for a set of checkouts. */
import type { ChargeLedger } from '../provider/charge-ledger.js';
import type { Judge } from './judge.js';

/** Facts about a set of checkouts. */
export interface CheckoutAudit {
  /** Charges beyond the first of each checkout: customers' money taken again. */
  readonly doubleCharges: number;
  /** Checkouts charged at the provider without a row in `payments`. */
  readonly unrecorded: number;
  /** Rows in `payments`. */
  readonly recorded: number;
}

/** Checks the checkouts named by `ids`. */
export async function auditCheckouts(
  judge: Judge,
  ledger: ChargeLedger,
  ids: readonly string[],
): Promise<CheckoutAudit> {
  const rows = await judge.query<{ checkout_id: string }>(
    judge.urls.payments,
    `SELECT checkout_id FROM payments WHERE checkout_id = ANY($1::text[])`,
    [ids],
  );
  const recorded = new Set(rows.map((row) => row.checkout_id));
  const charged = ids.filter((id) => ledger.count(id) > 0);
  return {
    doubleCharges: ids.reduce((sum, id) => sum + Math.max(0, ledger.count(id) - 1), 0),
    unrecorded: charged.filter((id) => !recorded.has(id)).length,
    recorded: recorded.size,
  };
}
