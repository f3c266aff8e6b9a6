/** The undecorated twin of prices.controller.ts. */
import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import {
  naiveInventory,
  type PriceChange,
  type ProductKey,
  type ProductPrice,
} from '@shop/contracts';
import { NaivePriceCache } from './naive-price-cache.store.js';
import { PriceService } from './price.service.js';

/**
 * The mistake: a cache per process and one in Redis, cleared by hand. The other replica never hears
 * of a change, a load that began before it stores the old price after it, and everybody who misses
 * at the same moment loads.
 */
@Controller()
export class NaivePricesController {
  constructor(
    private readonly prices: PriceService,
    private readonly cache: NaivePriceCache,
  ) {}

  @MessagePattern(naiveInventory.product)
  async product(@Payload('body') { sku }: ProductKey): Promise<ProductPrice> {
    const known = await this.cache.get(sku);
    if (known) return known;
    const price = await this.prices.load(sku);
    await this.cache.set(price);
    return price;
  }

  @MessagePattern(naiveInventory.changePrice)
  async changePrice(@Payload('body') change: PriceChange): Promise<ProductPrice> {
    const price = await this.prices.change(change);
    await this.cache.delete(change.sku);
    return price;
  }
}
