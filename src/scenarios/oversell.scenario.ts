/** A flash sale: ten buyers for every piece, two replicas that sell. */
import { Injectable } from '@nestjs/common';
import { auditStock } from '../judge/stock-audit.js';
import { type Outcome, type Phase, Scenario } from './scenario.js';

const STOCK = 25;
const BUYERS = 10 * STOCK;
const CONCURRENCY = 50;

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
    const answers = await phase.load.run(
      Array.from({ length: BUYERS }, (_, buyer) => ({
        method: 'POST' as const,
        path: phase.path(`/flash-sales/${sku}/purchases`),
        body: { buyerId: `buyer-${buyer}`, purchaseId: phase.id(`purchase-${buyer}`) },
        subject: undefined,
      })),
      { concurrency: CONCURRENCY, onAnswer: (n) => phase.progress(`${n}/${BUYERS} buyers`) },
    );
    const audit = await phase.judge.settled(
      () => auditStock(phase.judge, sku, STOCK),
      phase.signal,
    );
    const soldOut = answers.filter((answer) => answer.status === 409).length;
    const bought = answers.filter((answer) => answer.status === 201).length;
    return {
      counts: {
        stock: STOCK,
        buyers: BUYERS,
        bought,
        soldOut,
        errors: BUYERS - bought - soldOut,
        sold: audit.sold,
        left: audit.left,
        oversold: audit.oversold,
        inconsistent: audit.inconsistent,
      },
      violations: audit.oversold + audit.inconsistent,
      succeeded: audit.sold,
      summary: `${audit.sold} sold of ${STOCK}`,
    };
  }
}
