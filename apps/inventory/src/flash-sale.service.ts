/** The flash sale, as one writes it for a single process and a single user. */
import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { type Purchase as PurchaseRequest, SoldOutError, UnknownSkuError } from '@shop/contracts';
import { Repository } from 'typeorm';
import { Product } from './product.entity.js';
import { Purchase } from './purchase.entity.js';

/**
 * Read, decide, write: correct only while nobody else does the same at the same time, and only if
 * either all of it happens or none. Both handlers call it; one of them keeps those promises.
 */
@Injectable()
export class FlashSaleService {
  constructor(
    @InjectRepository(Product) private readonly products: Repository<Product>,
    @InjectRepository(Purchase) private readonly purchases: Repository<Purchase>,
  ) {}

  /** @throws SoldOutError, UnknownSkuError */
  async purchase({ sku, buyerId, purchaseId }: PurchaseRequest): Promise<{ purchaseId: string }> {
    // A repeated request finds what it did the first time.
    if (await this.purchases.existsBy({ id: purchaseId })) return { purchaseId };
    const stock = await this.#stockOf(sku);
    if (stock <= 0) throw new SoldOutError(sku);
    await this.#priceOf(sku);
    await this.products.update({ sku }, { stock: stock - 1 });
    await this.purchases.insert({ id: purchaseId, sku, buyerId });
    return { purchaseId };
  }

  async #stockOf(sku: string): Promise<number> {
    const product = await this.products.findOneBy({ sku });
    if (!product) throw new UnknownSkuError(sku);
    return product.stock;
  }

  /** Stands for everything a real purchase looks up between reading the stock and writing it. */
  async #priceOf(sku: string): Promise<number> {
    const product = await this.products.findOneOrFail({
      select: { priceCents: true },
      where: { sku },
    });
    return product.priceCents;
  }
}
