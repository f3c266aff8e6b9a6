/** Two cache levels as they are often written by hand; see prices.naive.controller.ts. */
import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import type { ProductPrice } from '@shop/contracts';
import { Redis } from 'ioredis';
import { INVENTORY_OPTIONS, type InventoryOptions } from './inventory.options.js';

const TTL_S = 60;

/** A `Map` over Redis. Errors of Redis are swallowed: "the cache must not fail the request". */
@Injectable()
export class NaivePriceCache implements OnApplicationShutdown {
  readonly #logger = new Logger(NaivePriceCache.name);
  readonly #memory = new Map<string, { price: ProductPrice; expiresAt: number }>();
  readonly #redis: Redis;

  constructor(@Inject(INVENTORY_OPTIONS) options: InventoryOptions) {
    this.#redis = new Redis(options.redisUrl, {
      maxRetriesPerRequest: 1,
      commandTimeout: 1_000,
      retryStrategy: () => 250,
    });
    this.#redis.on('error', (error) => this.#logger.debug(error.message));
  }

  /** From memory, else from Redis. */
  async get(sku: string): Promise<ProductPrice | undefined> {
    const entry = this.#memory.get(sku);
    if (entry && entry.expiresAt > Date.now()) return entry.price;
    const text = await this.#redis.get(keyOf(sku)).catch(() => null);
    if (text === null) return undefined;
    const price = JSON.parse(text) as ProductPrice;
    this.#remember(price);
    return price;
  }

  /** Into memory and Redis. */
  async set(price: ProductPrice): Promise<void> {
    this.#remember(price);
    await this.#redis.set(keyOf(price.sku), JSON.stringify(price), 'EX', TTL_S).catch(() => null);
  }

  /** Out of the memory of this process, and out of Redis. */
  async delete(sku: string): Promise<void> {
    this.#memory.delete(sku);
    await this.#redis.del(keyOf(sku)).catch(() => null);
  }

  onApplicationShutdown(): void {
    this.#redis.disconnect();
  }

  #remember(price: ProductPrice): void {
    this.#memory.set(price.sku, { price, expiresAt: Date.now() + TTL_S * 1_000 });
  }
}

function keyOf(sku: string): string {
  return `naive:product:${sku}`;
}
