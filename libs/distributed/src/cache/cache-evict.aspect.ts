/** Gives `@CacheEvict()` and `@CachePut()` their behaviour. */
import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import {
  type AspectCall,
  type AspectHandler,
  type AspectMethod,
  methodLabel,
} from '../aspects/index.js';
import { InvalidOptionsError, isDistributedError } from '../distributed.errors.js';
import { CacheInvalidationError, CacheUnknownError } from './cache.errors.js';
import { methodKey } from './cache-key.js';
import type { CacheRegion } from './cache-region.js';
import { CacheRegistry } from './cache-registry.js';
import { CacheWriter, type InvalidationTerms, type PreparedPut } from './cache-writer.js';
import type { CacheAction } from './cached.options.js';

/** An action of one call: its key is known before the method runs. */
interface Prepared {
  readonly action: CacheAction;
  readonly evict: () => Promise<void>;
  /** Set for `@CachePut()`. */
  readonly put: PreparedPut | undefined;
}

@Injectable()
export class CacheEvictAspect
  implements AspectHandler<readonly CacheAction[]>, OnApplicationBootstrap
{
  readonly kind = 'cache-evict';
  /** Checked when every `@Cached()` has registered, whatever the order of the classes. */
  readonly #unchecked: { readonly action: CacheAction; readonly where: string }[] = [];

  constructor(
    private readonly registry: CacheRegistry,
    private readonly writer: CacheWriter,
  ) {}

  validate(actions: readonly CacheAction[], method: AspectMethod): void {
    for (const action of actions) this.#unchecked.push({ action, where: whereOf(action, method) });
  }

  /** @throws CacheUnknownError `E_CACHE_UNKNOWN` */
  onApplicationBootstrap(): void {
    for (const { action, where } of this.#unchecked.splice(0)) this.#regionOf(action, where);
  }

  async run(
    actions: readonly CacheAction[],
    call: AspectCall,
    next: () => Promise<unknown>,
  ): Promise<unknown> {
    const prepared = await Promise.all(actions.map((action) => this.#prepare(action, call)));
    const result = await this.#runMethod(prepared, next);
    await all(prepared.map((item) => this.#apply(item, result, call)));
    return result;
  }

  /** A method that throws evicts nothing, unless nobody knows whether it has committed. */
  async #runMethod(prepared: Prepared[], next: () => Promise<unknown>): Promise<unknown> {
    try {
      return await next();
    } catch (error) {
      if (isDistributedError(error, COMMIT_UNKNOWN))
        await Promise.allSettled(prepared.map(({ evict }) => evict()));
      throw error;
    }
  }

  async #prepare(action: CacheAction, call: AspectCall): Promise<Prepared> {
    const { mode, when, onInvalidateFailure: onFailure } = action;
    const terms = { mode, when, onFailure };
    if (action.decorator === 'CacheEvict' && action.tags !== undefined) {
      const tags = tagsOf(action.tags, call.args);
      return { action, evict: () => this.writer.evictTags(tags, terms), put: undefined };
    }
    const region = this.#regionOf(action, whereOf(action, call));
    if (!region || action.key === undefined) return this.#prepareAll(action, region, terms);
    const key = region.keyOf(methodKey(action.key, call.args, region.name));
    const target = { region, key, ...terms };
    const put = action.decorator === 'CachePut' ? await this.writer.prepare(target) : undefined;
    return { action, evict: () => this.writer.evict(target), put };
  }

  #prepareAll(
    action: CacheAction,
    region: CacheRegion | undefined,
    terms: InvalidationTerms,
  ): Prepared {
    const evict = async (): Promise<void> => {
      if (region) await this.writer.evict({ region, key: undefined, ...terms });
    };
    return { action, evict, put: undefined };
  }

  async #apply({ action, evict, put }: Prepared, result: unknown, call: AspectCall): Promise<void> {
    if (!put) return evict();
    const { ttl, negativeTtl } = put.region.definition;
    const normal = result === null || result === undefined ? negativeTtl : ttl;
    const ttlMs = action.unless?.(result, ...call.args) ? 0 : normal;
    const tags = action.tags && tagsOf(action.tags, [result, ...call.args]);
    await this.writer.put(put, { value: result, ttlMs, tags });
  }

  /** Undefined for tags of no cache in particular. */
  #regionOf(action: CacheAction, where: string): CacheRegion | undefined {
    if (action.name === undefined) return undefined;
    const region = this.registry.find(action.name);
    if (!region)
      throw new CacheUnknownError(
        action.name,
        where,
        this.registry.regions.map(({ name }) => name),
      );
    if (action.decorator === 'CachePut' && region.definition.levels === 'l1')
      throw new InvalidOptionsError(
        where,
        `the cache '${action.name}' lives in memory only and cannot be written for other nodes; use @CacheEvict()`,
      );
    return region;
  }
}

/** Of the transaction capability: the commit may or may not have happened. */
const COMMIT_UNKNOWN = 'E_TRANSACTION_OUTCOME_UNKNOWN';

function tagsOf(
  tags: NonNullable<CacheAction['tags']>,
  args: readonly unknown[],
): readonly string[] {
  return typeof tags === 'function' ? tags(...args) : tags;
}

function whereOf(action: CacheAction, method: AspectMethod): string {
  return `@${action.decorator}() on ${methodLabel(method)}()`;
}

/** Waits for every action, also after a failure; then rejects with what failed. */
async function all(actions: readonly Promise<void>[]): Promise<void> {
  const errors = (await Promise.allSettled(actions)).flatMap((outcome) =>
    outcome.status === 'rejected' ? [outcome.reason as unknown] : [],
  );
  if (errors.length === 0) return;
  if (errors.length === 1) throw errors[0];
  const names = errors.flatMap((error) =>
    error instanceof CacheInvalidationError ? (error.details['caches'] as string[]) : [],
  );
  throw new CacheInvalidationError(names, new AggregateError(errors));
}
