/** What the provider really charged: the resource that the network scenario protects. */
import { randomUUID } from 'node:crypto';

/** One movement of money. */
export interface Charge {
  readonly id: string;
  /** What the caller says it is for; the shop sends the checkout's id. */
  readonly reference: string;
  readonly amountCents: number;
}

/** Charges in order of execution; equal idempotency keys are the same charge. */
export class ChargeLedger {
  readonly #charges: Charge[] = [];
  readonly #byKey = new Map<string, Charge>();

  /** Charges once per key, and every time without a key. */
  charge(reference: string, amountCents: number, key?: string): Charge {
    const known = key === undefined ? undefined : this.#byKey.get(key);
    if (known) return known;
    const charge = { id: randomUUID(), reference, amountCents };
    this.#charges.push(charge);
    if (key !== undefined) this.#byKey.set(key, charge);
    return charge;
  }

  /** The number of charges made for a reference; more than one is a double charge. */
  count(reference: string): number {
    return this.#charges.filter((charge) => charge.reference === reference).length;
  }
}
