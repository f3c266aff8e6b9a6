/** One of two shards goes down under load and comes back. */
import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { auditSlots } from '../judge/slot-audit.js';
import { homeShard } from '../judge/slot.js';
import type { LoadRequest } from '../load/load-generator.js';
import { type Outcome, type Phase, Scenario } from './scenario.js';
import { sideBySide } from './side-by-side.js';

const CUSTOMERS_PER_SHARD = 12;
const CONCURRENCY = 32;
const EVERY_MS = 15;
const HEALTHY_MS = 1_500;
const OUTAGE_MS = 3_000;
const RECOVERY_MS = 1_500;
const SKU = 'book';

interface Visit {
  readonly shard: string;
}

/** Customers of the healthy shard must not notice the outage of the other one. */
@Injectable()
export class PartitionScenario extends Scenario {
  readonly name = 'partition';
  readonly pitfall = 'No data partitioning: one lost shard takes everybody down';
  readonly counted = 'failed requests of the healthy shard, rows on a wrong shard';
  readonly definition =
    'failed requests of customers whose shard is up + rows on a shard that does not own them';

  async run(phase: Phase): Promise<Outcome> {
    const over = new AbortController();
    const answers = await sideBySide(
      phase.load.run(this.#visits(phase), {
        concurrency: CONCURRENCY,
        everyMs: EVERY_MS,
        until: over.signal,
        onAnswer: (n) => phase.progress(`${n} requests`),
      }),
      this.#stopAndRestart(phase).finally(() => over.abort()),
    );
    const of = (shard: string): { failed: number; total: number } => {
      const visits = answers.filter((answer) => answer.subject.shard === shard);
      return { failed: visits.filter(isFailure).length, total: visits.length };
    };
    const healthy = of('s1');
    const down = of(phase.outage.shard);
    const audit = await phase.judge.settled(
      () => auditSlots(phase.judge, phase.id('')),
      phase.signal,
    );
    return {
      counts: {
        requests: healthy.total,
        failed: healthy.failed,
        requestsOfLostShard: down.total,
        failedOfLostShard: down.failed,
        rows: audit.rows,
        misplaced: audit.misplaced,
      },
      violations: healthy.failed + audit.misplaced,
      succeeded: healthy.total - healthy.failed,
      summary: `${healthy.failed} of ${healthy.total} failed on the healthy shard, ${audit.misplaced} of ${audit.rows} rows misplaced`,
    };
  }

  async #stopAndRestart({ outage, signal, progress }: Phase): Promise<void> {
    await delay(HEALTHY_MS, undefined, { signal });
    progress(`shard ${outage.shard} goes down`);
    await outage.begin();
    try {
      await delay(OUTAGE_MS, undefined, { signal });
    } finally {
      await outage.end();
    }
    await delay(RECOVERY_MS, undefined, { signal });
  }

  /** Endless: orders and look-ups, customers of both shards in turn. */
  *#visits(phase: Phase): Generator<LoadRequest<Visit>> {
    const customers = customersOf(phase);
    for (let n = 0; ; n++) {
      const customer = customers[n % customers.length];
      if (!customer) return;
      const path = phase.path(`/customers/${customer.id}/orders`);
      const subject = { shard: customer.shard };
      // Writes and reads alternate round by round, so every customer does both.
      if (Math.floor(n / customers.length) % 2 === 0) {
        const body = { orderId: phase.id(`order-${n}`), sku: SKU, quantity: 1 };
        yield { method: 'POST', path, body, subject };
      } else yield { method: 'GET', path, subject };
    }
  }
}

/** As many customers of each shard, in turn. */
function customersOf(phase: Phase): { id: string; shard: string }[] {
  const shards = Object.keys(phase.judge.urls.shards);
  const groups = new Map(shards.map((shard) => [shard, [] as { id: string; shard: string }[]]));
  for (let n = 0; [...groups.values()].some((group) => group.length < CUSTOMERS_PER_SHARD); n++) {
    const id = phase.id(`customer-${n}`);
    const shard = homeShard(id, shards);
    const group = groups.get(shard);
    if (group && group.length < CUSTOMERS_PER_SHARD) group.push({ id, shard });
  }
  return Array.from({ length: CUSTOMERS_PER_SHARD }, (_, n) =>
    [...groups.values()].flatMap((group) => group[n] ?? []),
  ).flat();
}

function isFailure(answer: { status: number }): boolean {
  return answer.status < 200 || answer.status > 299;
}
