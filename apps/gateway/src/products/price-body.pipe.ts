/** What a price change must bring. */
import type { PriceBody } from '@shop/contracts';
import { positive, RequestBodyPipe } from '../request-body.pipe.js';

/** Checks a `PriceBody`. */
export const priceBody = new RequestBodyPipe<PriceBody>({ priceCents: positive });
