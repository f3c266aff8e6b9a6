/** Prices in the database. */
import { Inject, Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { type PriceChange, type ProductPrice, UnknownSkuError } from '@shop/contracts';
import { Repository } from 'typeorm';
import { INVENTORY_OPTIONS, type InventoryOptions } from './inventory.options.js';
import { PriceLoad } from './price-load.entity.js';
import { Product } from './product.entity.js';

/** Loads and changes prices; knows nothing of caches. */
@Injectable()
export class PriceService {
  constructor(
    @InjectRepository(Product) private readonly products: Repository<Product>,
    @InjectRepository(PriceLoad) private readonly loads: Repository<PriceLoad>,
    @Inject(INVENTORY_OPTIONS) private readonly options: InventoryOptions,
  ) {}

  /** Reads the price and leaves a trace of having read it. @throws UnknownSkuError */
  async load(sku: string): Promise<ProductPrice> {
    const product = await this.products.findOneBy({ sku });
    if (!product) throw new UnknownSkuError(sku);
    await this.loads.insert({ sku, replica: this.options.replica });
    return priceOf(product);
  }

  /** Writes the price; the version grows in SQL, so no change is lost. @throws UnknownSkuError */
  async change({ sku, priceCents }: PriceChange): Promise<ProductPrice> {
    const result = await this.products
      .createQueryBuilder()
      .update()
      .set({ priceCents, priceVersion: () => 'price_version + 1' })
      .where({ sku })
      .returning(['sku', 'priceCents', 'priceVersion'])
      .execute();
    const [row] = result.raw as { sku: string; price_cents: number; price_version: number }[];
    if (!row) throw new UnknownSkuError(sku);
    return { sku: row.sku, priceCents: row.price_cents, version: row.price_version };
  }
}

function priceOf(product: Product): ProductPrice {
  return { sku: product.sku, priceCents: product.priceCents, version: product.priceVersion };
}
