/** The orders of a customer over HTTP. */
import { Body, Controller, Get, Param, Post } from '@nestjs/common';
import {
  ApiCreatedResponse,
  ApiOkResponse,
  ApiOperation,
  ApiServiceUnavailableResponse,
  ApiTags,
} from '@nestjs/swagger';
import { CustomerOrderBody, orders, OrderView, ShopClient } from '@shop/contracts';
import { Resilient } from 'nestjs-distributed';
import { IdPipe } from '../request-body.pipe.js';
import { customerOrderBody } from './customer-order-body.pipe.js';

/** A shard that is down concerns its own customers only. */
@Controller('customers/:customerId/orders')
@ApiTags('customers')
export class CustomersController {
  constructor(private readonly shop: ShopClient) {}

  /** Sends again when an answer is lost; the order id makes that safe. */
  @Post()
  @Resilient('orders')
  @ApiOperation({ summary: 'Order one product' })
  @ApiCreatedResponse({ type: OrderView })
  @ApiServiceUnavailableResponse({ description: 'The shard of this customer is down.' })
  async create(
    @Param('customerId', new IdPipe()) customerId: string,
    @Body(customerOrderBody) { orderId, sku, quantity }: CustomerOrderBody,
  ): Promise<OrderView> {
    return this.shop.send(orders.create, { customerId, orderId, sku, quantity });
  }

  @Get()
  @Resilient('orders')
  @ApiOperation({ summary: 'All orders of a customer' })
  @ApiOkResponse({ type: [OrderView] })
  @ApiServiceUnavailableResponse({ description: 'The shard of this customer is down.' })
  async list(@Param('customerId', new IdPipe()) customerId: string): Promise<OrderView[]> {
    return this.shop.send(orders.list, { customerId });
  }
}
