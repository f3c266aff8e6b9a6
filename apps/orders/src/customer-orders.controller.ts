/** A customer's orders, on the shard that owns the customer. */
import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { type CustomerKey, type CustomerOrder, orders, type OrderView } from '@shop/contracts';
import { InjectPartitionRepository, Partitioned, PartitionKey } from 'nestjs-distributed';
import { Repository } from 'typeorm';
import { Order } from './order.entity.js';

/** A shard that is down concerns its own customers only. */
@Controller()
export class CustomerOrdersController {
  constructor(@InjectPartitionRepository(Order) private readonly orders: Repository<Order>) {}

  /** Repeating it under the same order id changes nothing. */
  @MessagePattern(orders.create)
  @Partitioned()
  async create(
    @Payload('body') @PartitionKey('customerId') order: CustomerOrder,
  ): Promise<OrderView> {
    const { orderId, customerId, sku, quantity } = order;
    const row = { id: orderId, customerId, sku, quantity, status: 'placed' };
    await this.orders.upsert(row, { conflictPaths: ['id'], skipUpdateIfNoValuesChanged: true });
    return { orderId, customerId, sku, quantity };
  }

  @MessagePattern(orders.list)
  @Partitioned()
  async list(
    @Payload('body') @PartitionKey('customerId') { customerId }: CustomerKey,
  ): Promise<OrderView[]> {
    const rows = await this.orders.find({ where: { customerId }, order: { createdAt: 'ASC' } });
    return rows.map(({ id, sku, quantity }) => ({ orderId: id, customerId, sku, quantity }));
  }
}
