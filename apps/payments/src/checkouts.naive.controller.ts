/** The undecorated twin of checkouts.controller.ts. */
import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { type Checkout, type CheckoutReceipt, naivePayments } from '@shop/contracts';
import { NaiveProviderService } from './naive-provider.service.js';
import { PaymentBook } from './payment-book.service.js';

/**
 * The mistake: a provider that hangs makes the checkout hang, and a blind retry after a lost answer
 * charges the card again.
 */
@Controller()
export class NaiveCheckoutsController {
  constructor(
    private readonly provider: NaiveProviderService,
    private readonly book: PaymentBook,
  ) {}

  @MessagePattern(naivePayments.checkout)
  async checkout(@Payload('body') checkout: Checkout): Promise<CheckoutReceipt> {
    const chargeId = await this.provider.charge(checkout);
    return this.book.record(checkout, chargeId);
  }
}
