/** What a checkout must bring. */
import type { Checkout } from '@shop/contracts';
import { id, positive, RequestBodyPipe } from '../request-body.pipe.js';

/** Checks a `Checkout`. */
export const checkoutBody = new RequestBodyPipe<Checkout>({
  checkoutId: id,
  customerId: id,
  amountCents: positive,
});
