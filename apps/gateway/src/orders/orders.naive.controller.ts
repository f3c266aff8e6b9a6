/** The undecorated twin of orders.controller.ts. */
import { Body, Controller, Post } from '@nestjs/common';
import { ApiCreatedResponse, ApiTags } from '@nestjs/swagger';
import { naiveOrders, OrderReceipt, PlaceOrder, ShopClient } from '@shop/contracts';
import { placeOrderBody } from './place-order-body.pipe.js';

/** The mistake is in the orders service: no transaction. */
@Controller('naive/orders')
@ApiTags('naive')
export class NaiveOrdersController {
  constructor(private readonly shop: ShopClient) {}

  @Post()
  @ApiCreatedResponse({ type: OrderReceipt })
  async place(@Body(placeOrderBody) body: PlaceOrder): Promise<OrderReceipt> {
    return this.shop.send(naiveOrders.place, body);
  }
}
