/** What a customer's order must bring. */
import type { CustomerOrderBody } from '@shop/contracts';
import { id, positive, RequestBodyPipe } from '../request-body.pipe.js';

/** Checks a `CustomerOrderBody`. */
export const customerOrderBody = new RequestBodyPipe<CustomerOrderBody>({
  orderId: id,
  sku: id,
  quantity: positive,
});
