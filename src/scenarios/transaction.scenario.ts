/** Orders that fail half-way, and a replica that dies in the middle of them. */
import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { auditOrders } from '../judge/order-audit.js';
import type { LoadRequest } from '../load/load-generator.js';
import { type Outcome, type Phase, Scenario } from './scenario.js';
import { sideBySide } from './side-by-side.js';

const ORDERS = 160;
const CONCURRENCY = 32;
const EVERY_MS = 25;
const CUSTOMERS = 20;
const KILL_AFTER_MS = 1_600;
const DOWN_MS = 500;
const VICTIM = 'orders-1';
const PRICE_CENTS = 5_000;
/** Above the limit of the shop's card. */
const DECLINED_CENTS = 150_000;

interface Order {
  readonly id: string;
  readonly items: number;
}

/** Order row, stock movements and payment row: all of them or none. */
@Injectable()
export class TransactionScenario extends Scenario {
  readonly name = 'transaction';
  readonly pitfall = 'No transaction: orders are left half done';
  readonly counted = 'orders whose rows disagree';
  readonly definition =
    'orders whose order row, stock movements and payment row are neither all there nor all absent, or that were confirmed and are not complete';

  async run(phase: Phase): Promise<Outcome> {
    const requests = Array.from({ length: ORDERS }, (_, n) => order(phase, n));
    const answers = await sideBySide(
      phase.load.run(requests, {
        concurrency: CONCURRENCY,
        everyMs: EVERY_MS,
        onAnswer: (n) => phase.progress(`${n}/${ORDERS} orders`),
      }),
      this.#killAndRestart(phase),
    );
    const items = new Map(requests.map(({ subject }) => [subject.id, subject.items]));
    const audit = await phase.judge.settled(() => auditOrders(phase.judge, items), phase.signal);
    const confirmed = answers.filter((answer) => answer.status === 201);
    const complete = new Set(audit.complete);
    const partial = new Set(audit.partial);
    // A confirmed order that is there in part is already counted as partial.
    const lost = confirmed.filter(({ subject: { id } }) => !complete.has(id) && !partial.has(id));
    const refused = answers.filter((answer) => answer.status === 402 || answer.status === 422);
    return {
      counts: {
        orders: ORDERS,
        confirmed: confirmed.length,
        refused: refused.length,
        errors: ORDERS - confirmed.length - refused.length,
        complete: audit.complete.length,
        absent: audit.absent.length,
        partial: audit.partial.length,
        confirmedAndLost: lost.length,
      },
      violations: audit.partial.length + lost.length,
      succeeded: audit.complete.length,
      summary: `${audit.partial.length} of ${ORDERS} orders half done`,
    };
  }

  async #killAndRestart({ cluster, signal, progress }: Phase): Promise<void> {
    await delay(KILL_AFTER_MS, undefined, { signal });
    progress(`${VICTIM} is killed`);
    const victim = cluster.replica(VICTIM);
    await victim.kill();
    await delay(DOWN_MS, undefined, { signal });
    await victim.start();
  }
}

/** Of five orders, one is declined by the card and one names an unknown product. */
function order(phase: Phase, n: number): LoadRequest<Order> & { method: 'POST' } {
  const orderId = phase.id(`order-${n}`);
  const items = [
    { sku: 'book', quantity: 1 },
    { sku: n % 5 === 3 ? `missing-${n}` : 'lamp', quantity: 2 },
    { sku: 'chair', quantity: 1 },
  ];
  return {
    method: 'POST',
    path: phase.path('/orders'),
    body: {
      orderId,
      customerId: phase.id(`buyer-${n % CUSTOMERS}`),
      items,
      amountCents: n % 5 === 1 ? DECLINED_CENTS : PRICE_CENTS,
    },
    subject: { id: orderId, items: items.length },
  };
}
