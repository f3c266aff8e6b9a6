/** The undecorated twin of checkouts.controller.ts. */
import { Body, Controller, Post } from '@nestjs/common';
import { ApiCreatedResponse, ApiTags } from '@nestjs/swagger';
import { Checkout, CheckoutReceipt, naivePayments, ShopClient } from '@shop/contracts';
import { checkoutBody } from './checkout-body.pipe.js';

/** The mistake: one attempt; an answer lost on the way is a failed checkout of a charged customer. */
@Controller('naive/checkouts')
@ApiTags('naive')
export class NaiveCheckoutsController {
  constructor(private readonly shop: ShopClient) {}

  @Post()
  @ApiCreatedResponse({ type: CheckoutReceipt })
  async checkout(@Body(checkoutBody) body: Checkout): Promise<CheckoutReceipt> {
    return this.shop.send(naivePayments.checkout, body);
  }
}
