/** Prices from memory that are never older than the last acknowledged change. */
import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { inventory, type PriceChange, type ProductKey, type ProductPrice } from '@shop/contracts';
import { Cached, CacheEvict, Transactional } from 'nestjs-distributed';
import { PriceService } from './price.service.js';

/** The same service as the naive twin; the decorators replace its hand-made cache. */
@Controller()
export class PricesController {
  constructor(private readonly prices: PriceService) {}

  /** Memory, then Redis, then one load for the whole cluster. */
  @MessagePattern(inventory.product)
  @Cached({ name: 'product', key: ({ sku }: ProductKey) => sku, ttl: '1m' })
  async product(@Payload('body') { sku }: ProductKey): Promise<ProductPrice> {
    return this.prices.load(sku);
  }

  /** Answers when the change is committed and no replica serves the old price any more. */
  @MessagePattern(inventory.changePrice)
  @CacheEvict({ name: 'product', key: ({ sku }: PriceChange) => sku })
  @Transactional()
  async changePrice(@Payload('body') change: PriceChange): Promise<ProductPrice> {
    return this.prices.change(change);
  }
}
