/** Goods that leave the stock for an order. */
import { PartitionedEntity, PartitionSlot } from 'nestjs-distributed';
import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';

/** A row of `stock_movements`, on the shard of its customer. */
@Entity('stock_movements')
@PartitionedEntity({ key: 'customerId' })
export class StockMovement {
  @PrimaryGeneratedColumn('increment', { type: 'bigint' })
  id: string;

  @Column('text', { name: 'order_id' })
  orderId: string;

  @Column('text', { name: 'customer_id' })
  customerId: string;

  @PartitionSlot()
  slot: number;

  @Column('text')
  sku: string;

  @Column('int')
  quantity: number;
}
