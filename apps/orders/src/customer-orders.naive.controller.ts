/** The undecorated twin of customer-orders.controller.ts. */
import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { type CustomerKey, type CustomerOrder, naiveOrders, type OrderView } from '@shop/contracts';
import { NaiveShards } from './naive-shards.service.js';

/**
 * The mistake: routing by hand. A write that fails goes to "the other" database, where nobody will
 * look for it, and a read asks all databases, so one that is down takes every customer down.
 */
@Controller()
export class NaiveCustomerOrdersController {
  constructor(private readonly shards: NaiveShards) {}

  @MessagePattern(naiveOrders.create)
  async create(@Payload('body') order: CustomerOrder): Promise<OrderView> {
    const { orderId, customerId, sku, quantity } = order;
    await this.shards.write(
      customerId,
      `INSERT INTO orders (id, customer_id, sku, quantity, status) VALUES ($1, $2, $3, $4, 'placed')`,
      [orderId, customerId, sku, quantity],
    );
    return { orderId, customerId, sku, quantity };
  }

  @MessagePattern(naiveOrders.list)
  async list(@Payload('body') { customerId }: CustomerKey): Promise<OrderView[]> {
    return this.shards.read<OrderView>(
      `SELECT id AS "orderId", customer_id AS "customerId", sku, quantity
         FROM orders WHERE customer_id = $1 ORDER BY created_at`,
      [customerId],
    );
  }
}
