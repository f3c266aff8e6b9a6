/** The undecorated twin of orders.controller.ts. */
import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { naiveOrders, type OrderReceipt, type PlaceOrder } from '@shop/contracts';
import { PartitionService } from 'nestjs-distributed';
import { OrderDesk } from './order-desk.service.js';

/**
 * The mistake: no transaction. Each statement commits by itself, so a declined card, an unknown
 * product or a killed process leaves half an order. (Routed to the right shard by the service twin
 * of `@Partitioned`, because that is another mistake.)
 */
@Controller()
export class NaiveOrdersController {
  constructor(
    private readonly desk: OrderDesk,
    private readonly partitions: PartitionService,
  ) {}

  @MessagePattern(naiveOrders.place)
  async place(@Payload('body') order: PlaceOrder): Promise<OrderReceipt> {
    return this.partitions.run(order.customerId, () => this.desk.place(order));
  }
}
