/** A flash sale: ten buyers for every piece, two replicas that sell, one of them freezes. */
import { Injectable } from '@nestjs/common';
import { auditStock } from '../judge/stock-audit.js';
import type { LoadAnswer, LoadRequest } from '../load/load-generator.js';
import { freezeSeller, type Hunt, huntHolders } from './frozen-holder.js';
import { type Outcome, type Phase, Scenario } from './scenario.js';

const STOCK = 25;
const BUYERS = 10 * STOCK;
const CONCURRENCY = 50;
/** How long a seller stands still in the run without locks; about as long as with them. */
const FREEZE_MS = 1_400;

/** Lost updates on one row: the read-check-write that every shop has written once. */
@Injectable()
export class OversellScenario extends Scenario {
  readonly name = 'oversell';
  readonly pitfall = 'No distributed lock: a flash sale sells too much';
  readonly counted = 'items sold beyond the stock';
  readonly definition = 'purchases beyond the stock, plus 1 if stock and purchases do not add up';

  async run(phase: Phase): Promise<Outcome> {
    const sku = phase.id('flash');
    await phase.databases.addProduct({ sku, stock: STOCK });
    const { answers, hunt } = await this.#sell(phase, sku);
    const audit = await phase.judge.settled(
      () => auditStock(phase.judge, sku, STOCK),
      phase.signal,
    );
    const soldOut = answers.filter((answer) => answer.status === 409).length;
    const bought = answers.filter((answer) => answer.status === 201).length;
    return {
      counts: {
        stock: STOCK,
        buyers: answers.length,
        bought,
        soldOut,
        errors: answers.length - bought - soldOut,
        sold: audit.sold,
        left: audit.left,
        oversold: audit.oversold,
        inconsistent: audit.inconsistent,
        freezeAttempts: hunt.attempts,
        frozenHolders: hunt.frozenHolders,
        staleTransactionsRefused: audit.refused,
      },
      violations: audit.oversold + audit.inconsistent,
      succeeded: audit.sold,
      summary: `${audit.sold} sold of ${STOCK}${frozen(phase, hunt, audit.refused)}`,
    };
  }

  /** Buyers come until the sale and the faults are over. */
  async #sell(phase: Phase, sku: string): Promise<{ answers: LoadAnswer[]; hunt: Hunt }> {
    const over = new AbortController();
    const faults = phase.mode === 'with' ? huntHolders(phase, sku) : freezeSeller(phase, FREEZE_MS);
    const load = phase.load.run(buyers(phase, sku, over.signal), {
      concurrency: CONCURRENCY,
      onAnswer: (n) => phase.progress(`${n} buyers`),
    });
    // No fault may outlive its scenario and meet servers that are being closed.
    const [loaded, faulted] = await Promise.allSettled([load, faults.finally(() => over.abort())]);
    if (faulted.status === 'rejected') throw faulted.reason;
    if (loaded.status === 'rejected') throw loaded.reason;
    return { answers: loaded.value, hunt: faulted.value };
  }
}

function* buyers(phase: Phase, sku: string, over: AbortSignal): Generator<LoadRequest> {
  for (let buyer = 0; buyer < BUYERS || !over.aborted; buyer++)
    yield {
      method: 'POST',
      path: phase.path(`/flash-sales/${sku}/purchases`),
      body: { buyerId: `buyer-${buyer}`, purchaseId: phase.id(`purchase-${buyer}`) },
      subject: undefined,
    };
}

/** What became of the freeze, also when it missed. */
function frozen({ mode }: Phase, { frozenHolders }: Hunt, refused: number): string {
  if (mode === 'without') return ', one seller frozen';
  if (frozenHolders === 0) return ', no holder could be caught and frozen';
  const holders = frozenHolders === 1 ? '1 holder' : `${frozenHolders} holders`;
  return `, ${holders} frozen beyond the lease, ${refused} late transactions refused`;
}
