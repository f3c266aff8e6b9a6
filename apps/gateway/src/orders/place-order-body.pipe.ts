/** What an order must bring. */
import type { PlaceOrder } from '@shop/contracts';
import { id, listOf, positive, RequestBodyPipe } from '../request-body.pipe.js';

/** Checks a `PlaceOrder`. */
export const placeOrderBody = new RequestBodyPipe<PlaceOrder>({
  orderId: id,
  customerId: id,
  items: listOf({ sku: id, quantity: positive }),
  amountCents: positive,
});
