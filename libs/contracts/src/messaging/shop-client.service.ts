/** Sends requests to the services; every one has a deadline and a fresh message id. */
import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { firstValueFrom, type Observable, throwError, timeout } from 'rxjs';
import type { MessageContract } from '../message.contract.js';
import { sendDeadlineExceeded } from './messaging.errors.js';
import { shopMessage } from './shop-message.js';

/** Token of the transport's `ClientProxy`. */
export const SHOP_TRANSPORT = Symbol('shop:transport');

/** The part of Nest's `ClientProxy` that requests need. */
export interface Transport {
  connect(): Promise<unknown>;
  send<R>(pattern: string, data: unknown): Observable<R>;
}

/** How long one attempt waits for its answer, unless told otherwise. */
const DEADLINE_MS = 8_000;

/** A typed `ClientProxy`. Calling `send` again is a new message: repeat it under the same business id. */
@Injectable()
export class ShopClient implements OnApplicationBootstrap {
  readonly #transport: Transport;

  constructor(@Inject(SHOP_TRANSPORT) transport: Transport) {
    this.#transport = transport;
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.#transport.connect();
  }

  /**
   * One attempt. Rejects with the receiver's error, `E_TRANSPORT_UNAVAILABLE`, or after `deadlineMs`
   * with `E_TRANSPORT_DEADLINE`: a reply lost on the way would otherwise leave the caller waiting
   * for ever.
   */
  async send<B, R>(pattern: MessageContract<B, R>, body: B, deadlineMs = DEADLINE_MS): Promise<R> {
    const reply = this.#transport.send<R>(pattern, shopMessage(body)).pipe(
      timeout({
        each: deadlineMs,
        with: () => throwError(() => sendDeadlineExceeded(pattern, deadlineMs)),
      }),
    );
    return firstValueFrom(reply);
  }
}
