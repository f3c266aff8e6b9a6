/** Orders that are there as a whole or not at all. */
import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { type OrderReceipt, orders, type PlaceOrder } from '@shop/contracts';
import { Partitioned, PartitionKey, Transactional } from 'nestjs-distributed';
import { OrderDesk } from './order-desk.service.js';

/** The same desk as the naive twin; the decorators make the difference. */
@Controller()
export class OrdersController {
  constructor(private readonly desk: OrderDesk) {}

  /** One transaction on the customer's shard; a killed process leaves nothing behind. */
  @MessagePattern(orders.place)
  @Partitioned()
  @Transactional()
  async place(
    @Payload('body') @PartitionKey('customerId') order: PlaceOrder,
  ): Promise<OrderReceipt> {
    return this.desk.place(order);
  }
}
