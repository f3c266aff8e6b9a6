/** What a purchase must bring. */
import type { PurchaseBody } from '@shop/contracts';
import { id, RequestBodyPipe } from '../request-body.pipe.js';

/** Checks a `PurchaseBody`. */
export const purchaseBody = new RequestBodyPipe<PurchaseBody>({ buyerId: id, purchaseId: id });
