/** Checkouts over HTTP. */
import { Body, Controller, Post } from '@nestjs/common';
import {
  ApiCreatedResponse,
  ApiOperation,
  ApiServiceUnavailableResponse,
  ApiTags,
} from '@nestjs/swagger';
import { Checkout, CheckoutReceipt, payments, ShopClient } from '@shop/contracts';
import { Resilient } from 'nestjs-distributed';
import { checkoutBody } from './checkout-body.pipe.js';

/** `POST /checkouts`: charged once, whatever the network does. */
@Controller('checkouts')
@ApiTags('checkouts')
export class CheckoutsController {
  constructor(private readonly shop: ShopClient) {}

  /** Sends again when an answer is lost; the checkout id makes that safe. */
  @Post()
  @Resilient('payments')
  @ApiOperation({ summary: 'Charge a customer once' })
  @ApiCreatedResponse({ type: CheckoutReceipt })
  @ApiServiceUnavailableResponse({ description: 'Try again with the same checkout id.' })
  async checkout(@Body(checkoutBody) body: Checkout): Promise<CheckoutReceipt> {
    return this.shop.send(payments.checkout, body);
  }
}
