/** What the payments service answers: checkouts, each charged at the provider. */
import { ApiProperty } from '@nestjs/swagger';
import { message } from './message.contract.js';

/** HTTP body and message of a checkout. */
export class Checkout {
  @ApiProperty({ example: 'checkout-9', description: 'Repeating it never charges twice.' })
  checkoutId: string;

  @ApiProperty({ example: 'customer-7' })
  customerId: string;

  @ApiProperty({ example: 4999 })
  amountCents: number;
}

/** The checkout is paid. */
export class CheckoutReceipt {
  @ApiProperty({ example: 'checkout-9' })
  checkoutId: string;

  @ApiProperty({ example: 'charge-3', description: 'The charge at the provider.' })
  chargeId: string;
}

/** Patterns of the payments service. */
export const payments = {
  checkout: message<Checkout, CheckoutReceipt>('payments.checkout'),
};

/** The undecorated twins. */
export const naivePayments = {
  checkout: message<Checkout, CheckoutReceipt>('naive.payments.checkout'),
};
