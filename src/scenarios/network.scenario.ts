/** Checkouts while the payment provider misbehaves and Redis connections are cut. */
import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { auditCheckouts } from '../judge/checkout-audit.js';
import { FaultPlan } from '../provider/fault-plan.js';
import { type Outcome, type Phase, Scenario } from './scenario.js';
import { sideBySide } from './side-by-side.js';

const CHECKOUTS = 120;
const CONCURRENCY = 60;
/** A steady stream, so that a request that hangs does not slow the others down. */
const EVERY_MS = 40;
/** When the connections of gateway and payments are reset, after the load began. */
const CUTS_MS = [1_000, 2_200, 3_400];

/** Refused, reset, hanging and slow calls of a provider that takes money. */
@Injectable()
export class NetworkScenario extends Scenario {
  readonly name = 'network';
  readonly pitfall = 'Network errors unhandled: checkouts fail, hang or charge twice';
  readonly counted = 'failed or hanging checkouts, crashes, double charges';
  readonly definition =
    'failed checkouts + hanging ones (no answer within 10 s) + crashed processes + double charges';

  async run(phase: Phase): Promise<Outcome> {
    const ids = Array.from({ length: CHECKOUTS }, (_, n) => phase.id(`checkout-${n}`));
    const crashedBefore = phase.cluster.crashes;
    phase.provider.follow(new FaultPlan());
    try {
      const answers = await sideBySide(
        phase.load.run(
          ids.map((checkoutId, n) => ({
            method: 'POST' as const,
            path: phase.path('/checkouts'),
            body: { checkoutId, customerId: phase.id(`customer-${n}`), amountCents: 100 + n },
            subject: undefined,
          })),
          {
            concurrency: CONCURRENCY,
            everyMs: EVERY_MS,
            onAnswer: (n) => phase.progress(`${n}/${CHECKOUTS} checkouts`),
          },
        ),
        this.#cutConnections(phase),
      );
      const paid = answers.filter((answer) => answer.status === 201).length;
      const hung = answers.filter((answer) => answer.outcome === 'hung').length;
      const failed = CHECKOUTS - paid - hung;
      const crashed = phase.cluster.crashes - crashedBefore;
      const audit = await phase.judge.settled(
        () => auditCheckouts(phase.judge, phase.provider.ledger, ids),
        phase.signal,
      );
      return {
        counts: { checkouts: CHECKOUTS, paid, failed, hung, crashed, ...audit },
        violations: failed + hung + crashed + audit.doubleCharges,
        succeeded: paid,
        summary: `${paid} of ${CHECKOUTS} paid, ${failed} failed, ${hung} hung, ${audit.doubleCharges} charged twice`,
      };
    } finally {
      phase.provider.follow(undefined);
      phase.provider.releaseHung();
    }
  }

  async #cutConnections({ cluster, signal }: Phase): Promise<void> {
    let passed = 0;
    for (const cut of CUTS_MS) {
      await delay(cut - passed, undefined, { signal });
      passed = cut;
      for (const name of ['gateway-1', 'payments-1']) cluster.replica(name).cutRedis();
    }
  }
}
