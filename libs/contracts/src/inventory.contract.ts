/** What the inventory service answers: flash-sale purchases and product prices. */
import { ApiProperty } from '@nestjs/swagger';
import { message } from './message.contract.js';

/** HTTP body of a flash-sale purchase. */
export class PurchaseBody {
  @ApiProperty({ example: 'buyer-17', description: 'Who buys.' })
  buyerId: string;

  @ApiProperty({
    example: 'purchase-4711',
    description: 'Chosen by the buyer; repeating it never buys twice.',
  })
  purchaseId: string;
}

/** One unit of `sku` for one buyer. */
export interface Purchase extends PurchaseBody {
  readonly sku: string;
}

/** The purchase stands. */
export class PurchaseReceipt {
  @ApiProperty({ example: 'purchase-4711' })
  purchaseId: string;
}

/** HTTP body of a price change. */
export class PriceBody {
  @ApiProperty({ example: 1999, description: 'New price in cents.' })
  priceCents: number;
}

/** Names a product. */
export interface ProductKey {
  readonly sku: string;
}

/** A new price for a product. */
export interface PriceChange extends ProductKey {
  readonly priceCents: number;
}

/** A product's price; `version` grows by one with every change. */
export class ProductPrice {
  @ApiProperty({ example: 'lamp' })
  sku: string;

  @ApiProperty({ example: 1999 })
  priceCents: number;

  @ApiProperty({ example: 2, description: 'Previous version + 1 after each change.' })
  version: number;
}

/** Patterns of the inventory service. */
export const inventory = {
  purchase: message<Purchase, PurchaseReceipt>('inventory.purchase'),
  product: message<ProductKey, ProductPrice>('inventory.product'),
  changePrice: message<PriceChange, ProductPrice>('inventory.change-price'),
};

/** The undecorated twins. */
export const naiveInventory = {
  purchase: message<Purchase, PurchaseReceipt>('naive.inventory.purchase'),
  product: message<ProductKey, ProductPrice>('naive.inventory.product'),
  changePrice: message<PriceChange, ProductPrice>('naive.inventory.change-price'),
};
