/** The envelope of every request between services. */
import { randomUUID } from 'node:crypto';

/** A request as it travels. */
export interface ShopMessage<B = unknown> {
  /** Random, new for every attempt: the replicas agree by it on who handles this message. */
  readonly messageId: string;
  /** What the sender says. Business ids live here and stay the same when an attempt is repeated. */
  readonly body: B;
}

/** Wraps `body` under a fresh message id. */
export function shopMessage<B>(body: B): ShopMessage<B> {
  return { messageId: randomUUID(), body };
}

/** True for data that came out of `shopMessage`. */
export function isShopMessage(data: unknown): data is ShopMessage {
  const message = data as Partial<ShopMessage> | null | undefined;
  return typeof message?.messageId === 'string' && message.messageId.length > 0;
}
