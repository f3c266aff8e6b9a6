/** The typed form of a message pattern: the string that travels, and the types at both ends. */

declare const ENDS: unique symbol;

/** A request pattern that knows what it carries (`B`) and what is answered (`R`). */
export type MessageContract<B, R> = string & { readonly [ENDS]?: readonly [B, R] };

/** Declares a request pattern: `message<Purchase, Receipt>('inventory.purchase')`. */
export function message<B, R>(pattern: string): MessageContract<B, R> {
  return pattern;
}
