/** A product: its stock and its price. */
import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A row of `products`. */
@Entity('products')
export class Product {
  @PrimaryColumn('text')
  sku: string;

  @Column('text')
  name: string;

  /** Units left. */
  @Column('int')
  stock: number;

  @Column('int', { name: 'price_cents' })
  priceCents: number;

  /** Grows by one with every price change. */
  @Column('int', { name: 'price_version', default: 1 })
  priceVersion: number;
}
