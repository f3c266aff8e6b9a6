/** An order of a customer. */
import { PartitionedEntity, PartitionSlot } from 'nestjs-distributed';
import { Column, CreateDateColumn, Entity, PrimaryColumn } from 'typeorm';

/** A row of `orders`, on the shard of its customer. */
@Entity('orders')
@PartitionedEntity({ key: 'customerId' })
export class Order {
  @PrimaryColumn('text')
  id: string;

  @Column('text', { name: 'customer_id' })
  customerId: string;

  @PartitionSlot()
  slot: number;

  /** Of simple orders; those with items have stock movements instead. */
  @Column('text', { nullable: true })
  sku: string | null;

  @Column('int', { nullable: true })
  quantity: number | null;

  @Column('int', { name: 'amount_cents', nullable: true })
  amountCents: number | null;

  @Column('text')
  status: string;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;
}
