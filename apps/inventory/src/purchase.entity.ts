/** A unit sold in a flash sale. */
import { Column, CreateDateColumn, Entity, PrimaryColumn } from 'typeorm';

/** A row of `purchases`; the buyer chose its id. */
@Entity('purchases')
export class Purchase {
  @PrimaryColumn('text')
  id: string;

  @Column('text')
  sku: string;

  @Column('text', { name: 'buyer_id' })
  buyerId: string;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;
}
