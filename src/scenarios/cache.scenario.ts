/** Price changes under read load with one replica cut off from Redis, then a stampede. */
import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import {
  type AcknowledgedChange,
  countPriceLoads,
  type ObservedRead,
  staleReads,
} from '../judge/staleness.js';
import type { LoadAnswer, LoadRequest } from '../load/load-generator.js';
import { type Outcome, type Phase, Scenario } from './scenario.js';
import { sideBySide } from './side-by-side.js';

const PRODUCTS = 6;
const READ_CONCURRENCY = 24;
const READ_EVERY_MS = 6;
/** Both replicas hold every product before the first change. */
const WARM_UP_MS = 1_000;
const CHANGES_BEFORE_CUT = 6;
const CHANGES_DURING_CUT = 9;
const CHANGES_AFTER_CUT = 6;
const CHANGE_EVERY_MS = 200;
const STAMPEDE = 300;
const VICTIM = 'inventory-1';

/** No stale price after an acknowledged change, one load for a cold key. */
@Injectable()
export class CacheScenario extends Scenario {
  readonly name = 'cache';
  readonly pitfall = 'No multi-level cache: stale prices, and a stampede on the database';
  readonly counted = 'stale prices, extra loads of a cold key';
  readonly definition =
    'reads sent 100 ms after an acknowledged change that returned an older price + database loads of a cold key beyond the first';

  async run(phase: Phase): Promise<Outcome> {
    const skus = Array.from({ length: PRODUCTS }, (_, n) => phase.id(`product-${n}`));
    const cold = phase.id('cold');
    for (const sku of [...skus, cold]) await phase.databases.addProduct({ sku, stock: 1 });
    const changes: AcknowledgedChange[] = [];
    const over = new AbortController();
    const reads = await sideBySide(
      phase.load.run(endlessReads(phase, skus), {
        concurrency: READ_CONCURRENCY,
        everyMs: READ_EVERY_MS,
        until: over.signal,
        onAnswer: (n) => phase.progress(`${n} reads`),
      }),
      this.#changePrices(phase, skus, changes).finally(() => over.abort()),
    );
    const seen = reads.flatMap(observed);
    const stale = staleReads(seen, changes);
    const stampede = await this.#stampede(phase, cold);
    return {
      counts: {
        reads: reads.length,
        failedReads: reads.length - seen.length,
        changes: changes.length,
        stale: stale.length,
        stampede: STAMPEDE,
        stampedeAnswered: stampede.answered,
        loads: stampede.loads,
      },
      violations: stale.length + Math.max(0, stampede.loads - 1),
      succeeded: Math.min(seen.length, changes.length, stampede.answered, stampede.loads),
      summary: `${stale.length} of ${seen.length} reads stale, ${stampede.loads} loads of a cold key`,
    };
  }

  /** Changes prices all the time; in the middle one replica loses Redis and gets it back. */
  async #changePrices(
    phase: Phase,
    skus: readonly string[],
    acknowledged: AcknowledgedChange[],
  ): Promise<void> {
    const victim = phase.cluster.replica(VICTIM);
    let next = 0;
    const change = async (times: number): Promise<void> => {
      for (let n = 0; n < times; n++, next++) {
        const sku = skus[next % skus.length] ?? '';
        const answer = await phase.load.send({
          method: 'PUT',
          path: phase.path(`/products/${sku}/price`),
          body: { priceCents: 2_000 + next },
          subject: undefined,
        });
        const version = versionOf(answer);
        const acknowledgedAt = answer.sentAt + answer.latencyMs;
        if (version !== undefined) acknowledged.push({ sku, version, acknowledgedAt });
        await delay(CHANGE_EVERY_MS, undefined, { signal: phase.signal });
      }
    };
    await delay(WARM_UP_MS, undefined, { signal: phase.signal });
    await change(CHANGES_BEFORE_CUT);
    phase.progress(`${VICTIM} loses Redis`);
    victim.refuseLibraryRedis();
    try {
      await change(CHANGES_DURING_CUT);
    } finally {
      await victim.heal();
    }
    await change(CHANGES_AFTER_CUT);
  }

  /** Everybody asks for a key that no cache holds, at once. */
  async #stampede(phase: Phase, sku: string): Promise<{ answered: number; loads: number }> {
    const path = phase.path(`/products/${sku}`);
    const answers = await phase.load.run(
      Array.from({ length: STAMPEDE }, () => ({ method: 'GET' as const, path, subject: sku })),
      { concurrency: STAMPEDE, onAnswer: (n) => phase.progress(`stampede ${n}/${STAMPEDE}`) },
    );
    const loads = await phase.judge.settled(() => countPriceLoads(phase.judge, sku), phase.signal);
    return { answered: answers.flatMap(observed).length, loads };
  }
}

function* endlessReads(phase: Phase, skus: readonly string[]): Generator<LoadRequest<string>> {
  for (let n = 0; ; n++) {
    const sku = skus[n % skus.length] ?? '';
    yield { method: 'GET', path: phase.path(`/products/${sku}`), subject: sku };
  }
}

function observed(answer: LoadAnswer<string>): ObservedRead[] {
  const version = versionOf(answer);
  return version === undefined ? [] : [{ sku: answer.subject, version, sentAt: answer.sentAt }];
}

function versionOf(answer: LoadAnswer<unknown>): number | undefined {
  const { version } = (answer.body ?? {}) as { version?: unknown };
  return answer.status === 200 && typeof version === 'number' ? version : undefined;
}
