/** The undecorated twin of customers.controller.ts. */
import { Body, Controller, Get, Param, Post } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { CustomerOrderBody, naiveOrders, OrderView, ShopClient } from '@shop/contracts';
import { IdPipe } from '../request-body.pipe.js';
import { customerOrderBody } from './customer-order-body.pipe.js';

/** The mistake is in the orders service: routing by hand. */
@Controller('naive/customers/:customerId/orders')
@ApiTags('naive')
export class NaiveCustomersController {
  constructor(private readonly shop: ShopClient) {}

  @Post()
  @ApiCreatedResponse({ type: OrderView })
  async create(
    @Param('customerId', new IdPipe()) customerId: string,
    @Body(customerOrderBody) { orderId, sku, quantity }: CustomerOrderBody,
  ): Promise<OrderView> {
    return this.shop.send(naiveOrders.create, { customerId, orderId, sku, quantity });
  }

  @Get()
  @ApiOkResponse({ type: [OrderView] })
  async list(@Param('customerId', new IdPipe()) customerId: string): Promise<OrderView[]> {
    return this.shop.send(naiveOrders.list, { customerId });
  }
}
