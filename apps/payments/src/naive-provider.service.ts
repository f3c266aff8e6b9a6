/** The payment provider, called as many first versions do; see checkouts.naive.controller.ts. */
import { Inject, Injectable } from '@nestjs/common';
import type { Checkout } from '@shop/contracts';
import { PAYMENTS_OPTIONS, type PaymentsOptions } from './payments.options.js';
import { ProviderError } from './provider.errors.js';

const ATTEMPTS = 3;

/** Charges cards, sometimes more than once. */
@Injectable()
export class NaiveProviderService {
  constructor(@Inject(PAYMENTS_OPTIONS) private readonly options: PaymentsOptions) {}

  /** No time limit, no idempotency key, and every error is worth another try at once. */
  async charge(checkout: Checkout): Promise<string> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#post(checkout);
      } catch (error) {
        if (attempt === ATTEMPTS) throw error;
      }
    }
  }

  async #post({ checkoutId, amountCents }: Checkout): Promise<string> {
    const response = await fetch(new URL('/charges', this.options.providerUrl), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ reference: checkoutId, amountCents }),
    });
    if (!response.ok) throw new ProviderError(response.status);
    const { chargeId } = (await response.json()) as { chargeId: string };
    return chargeId;
  }
}
