/** Checkouts that charge once, whatever the network does. */
import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { type Checkout, type CheckoutReceipt, payments } from '@shop/contracts';
import { PaymentBook } from './payment-book.service.js';
import { ProviderService } from './provider.service.js';

/** The protection is where the network is: `@Resilient('payments')` on `ProviderService.charge`. */
@Controller()
export class CheckoutsController {
  constructor(
    private readonly provider: ProviderService,
    private readonly book: PaymentBook,
  ) {}

  /** Safe to repeat as a whole: same checkout, same idempotency key, same row. */
  @MessagePattern(payments.checkout)
  async checkout(@Payload('body') checkout: Checkout): Promise<CheckoutReceipt> {
    const chargeId = await this.provider.charge(checkout);
    return this.book.record(checkout, chargeId);
  }
}
