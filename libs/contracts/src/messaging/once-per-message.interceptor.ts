/** Lets one replica handle each message: Nest's Redis transport delivers it to all of them. */
import { setTimeout as delay } from 'node:timers/promises';
import {
  type BeforeApplicationShutdown,
  type CallHandler,
  type ExecutionContext,
  Injectable,
  Logger,
  type NestInterceptor,
  type OnModuleDestroy,
} from '@nestjs/common';
import { finalize, NEVER, type Observable } from 'rxjs';
import { MessageClaimStore } from './message-claim.store.js';
import { internalError, RemoteError } from './messaging.errors.js';
import { isShopMessage } from './shop-message.js';

const DRAIN_MS = 5_000;
/** Redis serves its subscribers in a fixed order; without a pause the first one would win them all. */
const SPREAD_MS = 4;

/**
 * The replica that loses the claim returns `NEVER`, so it does not reply. Should the winner die, the
 * caller's deadline fires and a repeated attempt, being a new message, finds another replica.
 * While the service stops, it claims nothing and finishes what it has begun.
 */
@Injectable()
export class OncePerMessageInterceptor
  implements NestInterceptor, OnModuleDestroy, BeforeApplicationShutdown
{
  readonly #logger = new Logger(OncePerMessageInterceptor.name);
  readonly #claims: MessageClaimStore;
  readonly #inFlight = new Set<symbol>();
  #stopping = false;
  #drained: (() => void) | undefined;

  constructor(claims: MessageClaimStore) {
    this.#claims = claims;
  }

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const data: unknown = context.switchToRpc().getData();
    if (!isShopMessage(data)) throw new RemoteError(internalError('a message without messageId'));
    if (!(await this.#wins(data.messageId))) return NEVER;
    const handling = Symbol(data.messageId);
    this.#inFlight.add(handling);
    return next.handle().pipe(finalize(() => this.#finished(handling)));
  }

  onModuleDestroy(): void {
    this.#stopping = true;
  }

  async beforeApplicationShutdown(): Promise<void> {
    if (this.#inFlight.size > 0) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
        setTimeout(resolve, DRAIN_MS).unref();
      });
    }
    // Nest publishes a reply one tick after the handler's result.
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Losing is the answer to every doubt: another replica may hold the claim. */
  async #wins(messageId: string): Promise<boolean> {
    try {
      await delay(Math.random() * SPREAD_MS);
      return !this.#stopping && (await this.#claims.claim(messageId));
    } catch (error) {
      this.#logger.warn(`message not claimed: ${(error as Error).message}`);
      return false;
    }
  }

  #finished(handling: symbol): void {
    this.#inFlight.delete(handling);
    if (this.#inFlight.size === 0) this.#drained?.();
  }
}
