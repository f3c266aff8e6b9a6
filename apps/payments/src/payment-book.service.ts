/** The record of what was charged. */
import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Checkout, CheckoutReceipt } from '@shop/contracts';
import { Repository } from 'typeorm';
import { Payment } from './payment.entity.js';

/** One row per checkout, however often it is recorded. */
@Injectable()
export class PaymentBook {
  constructor(@InjectRepository(Payment) private readonly payments: Repository<Payment>) {}

  /** Records a charge. */
  async record(checkout: Checkout, chargeId: string): Promise<CheckoutReceipt> {
    const { checkoutId, customerId, amountCents } = checkout;
    await this.payments.upsert({ checkoutId, customerId, amountCents, chargeId, status: 'paid' }, [
      'checkoutId',
    ]);
    return { checkoutId, chargeId };
  }
}
