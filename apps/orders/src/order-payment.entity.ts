/** The payment of an order. */
import { PartitionedEntity, PartitionSlot } from 'nestjs-distributed';
import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A row of `order_payments`, on the shard of its customer. */
@Entity('order_payments')
@PartitionedEntity({ key: 'customerId' })
export class OrderPayment {
  @PrimaryColumn('text', { name: 'order_id' })
  orderId: string;

  @Column('text', { name: 'customer_id' })
  customerId: string;

  @PartitionSlot()
  slot: number;

  @Column('int', { name: 'amount_cents' })
  amountCents: number;
}
