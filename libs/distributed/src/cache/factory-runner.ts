/** Runs factories: in time, with what they may decide, and makes plain data of what they return. */
import { Injectable } from '@nestjs/common';
import { Clock } from '../time/index.js';
import { decodeValue, type EncodedValue, encodeValue } from './cache-codec.js';
import { CacheTimeoutError } from './cache.errors.js';
import { tagName } from './cache-key.js';
import { LoadDecisions, LoadScope } from './cache-load.js';
import type { Outcome } from './found-value.js';
import type { LoadRequest } from './load-request.js';

/** A factory's result in its stored and in its decoded form. */
export interface Loaded {
  readonly encoded: EncodedValue;
  readonly value: unknown;
  /** 0: not to be stored. */
  readonly ttlMs: number;
  readonly tags: readonly string[];
  readonly loadMs: number;
}

@Injectable()
export class FactoryRunner {
  constructor(private readonly clock: Clock) {}

  /**
   * Runs the factory.
   * @throws CacheTimeoutError `E_CACHE_TIMEOUT`, CacheValueError `E_CACHE_VALUE`, the factory's own error
   */
  async load(request: LoadRequest, stale?: Outcome): Promise<Loaded> {
    const { region, policy } = request;
    const startedAt = this.clock.now();
    const decisions = new LoadDecisions(stale && { value: stale.value });
    let ok = false;
    try {
      const result = await this.#inTime(request, decisions);
      ok = true;
      if (decisions.tags.size > 0) region.tagged = true;
      const { codec, l1 } = region.definition;
      const encoded = encodeValue(result, region.name, codec);
      const value = decodeValue(encoded, l1.isolation);
      const tags = [
        ...(policy.tags?.() ?? []),
        ...(policy.resultTags?.(value) ?? []),
        ...decisions.tags,
      ];
      return {
        encoded,
        value,
        tags: [...new Set(tags.map((tag) => tagName(tag, region.name)))],
        ttlMs: this.#ttlOf(request, value, decisions),
        loadMs: this.clock.now() - startedAt,
      };
    } finally {
      region.counters.load(ok, this.clock.now() - startedAt);
    }
  }

  async #inTime({ region, factory, policy }: LoadRequest, load: LoadDecisions): Promise<unknown> {
    const run = async (): Promise<unknown> => LoadScope.run(load, () => factory(load));
    const { hard } = policy.timeout;
    if (hard === undefined) return run();
    return new Promise((resolve, reject) => {
      const timer = this.clock.setTimer(() => {
        const error = new CacheTimeoutError(region.name, hard);
        load.abort(error);
        reject(error);
      }, hard);
      void run()
        .then(resolve, reject)
        .finally(() => timer.cancel());
    });
  }

  #ttlOf({ policy }: LoadRequest, value: unknown, decisions: LoadDecisions): number {
    if (policy.unless?.(value)) return 0;
    if (decisions.ttlMs !== undefined) return decisions.ttlMs;
    return isNegative(value) ? policy.negativeTtl : policy.ttl;
  }
}

/** Whether a value says that there is none. */
export function isNegative(value: unknown): boolean {
  return value === null || value === undefined;
}
