/** The payment provider, called so that its faults do not become ours. */
import { Inject, Injectable } from '@nestjs/common';
import type { Checkout } from '@shop/contracts';
import { currentAttempt, Resilient } from 'nestjs-distributed';
import { PAYMENTS_OPTIONS, type PaymentsOptions } from './payments.options.js';
import { ProviderError } from './provider.errors.js';

/** Charges cards. */
@Injectable()
export class ProviderService {
  constructor(@Inject(PAYMENTS_OPTIONS) private readonly options: PaymentsOptions) {}

  /**
   * Each attempt has a time limit and is really aborted by it; what failed on the way is repeated
   * under the same idempotency key, so the customer pays once whatever happened to the first answer.
   * @returns the id of the charge
   */
  @Resilient('payments')
  async charge({ checkoutId, amountCents }: Checkout): Promise<string> {
    const response = await fetch(new URL('/charges', this.options.providerUrl), {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': checkoutId },
      body: JSON.stringify({ reference: checkoutId, amountCents }),
      signal: currentAttempt()?.signal ?? null,
    });
    if (!response.ok) throw new ProviderError(response.status);
    const { chargeId } = (await response.json()) as { chargeId: string };
    return chargeId;
  }
}
