/** Orders with stock and payment over HTTP. */
import { Body, Controller, HttpStatus, Post } from '@nestjs/common';
import {
  ApiCreatedResponse,
  ApiOperation,
  ApiResponse,
  ApiServiceUnavailableResponse,
  ApiTags,
  ApiUnprocessableEntityResponse,
} from '@nestjs/swagger';
import { OrderReceipt, orders, PlaceOrder, ShopClient } from '@shop/contracts';
import { Resilient } from 'nestjs-distributed';
import { placeOrderBody } from './place-order-body.pipe.js';

/** `POST /orders`: all of an order or nothing of it. */
@Controller('orders')
@ApiTags('orders')
export class OrdersController {
  constructor(private readonly shop: ShopClient) {}

  /** Sends again when an answer is lost; the order id makes that safe. */
  @Post()
  @Resilient('orders')
  @ApiOperation({ summary: 'Place an order: its row, its stock movements and its payment' })
  @ApiCreatedResponse({ type: OrderReceipt })
  @ApiResponse({ status: HttpStatus.PAYMENT_REQUIRED, description: 'The card is declined.' })
  @ApiUnprocessableEntityResponse({ description: 'An item names an unknown product.' })
  @ApiServiceUnavailableResponse({ description: 'Try again with the same order id.' })
  async place(@Body(placeOrderBody) body: PlaceOrder): Promise<OrderReceipt> {
    return this.shop.send(orders.place, body);
  }
}
