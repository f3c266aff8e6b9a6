/** Refusals of the shop: definite answers, never worth a retry. */

/** Base of the shop's own refusals; `code` is what crosses the wire. */
export class ShopError extends Error {
  /** Always `false`: asking again gives the same answer. */
  readonly retryable = false;
  /** Always `'yes'`: the service has decided. */
  readonly executed = 'yes';

  constructor(
    readonly code: string,
    text: string,
  ) {
    super(text);
    this.name = new.target.name;
  }
}

/** `E_SHOP_SOLD_OUT`: no unit is left. HTTP 409. */
export class SoldOutError extends ShopError {
  constructor(sku: string) {
    super('E_SHOP_SOLD_OUT', `${sku} is sold out`);
  }
}

/** `E_SHOP_UNKNOWN_SKU`: no such product. HTTP 422. */
export class UnknownSkuError extends ShopError {
  constructor(sku: string) {
    super('E_SHOP_UNKNOWN_SKU', `there is no product ${sku}`);
  }
}

/** `E_SHOP_CARD_DECLINED`: the card does not cover the amount. HTTP 402. */
export class CardDeclinedError extends ShopError {
  constructor(amountCents: number) {
    super('E_SHOP_CARD_DECLINED', `the card does not cover ${amountCents} cents`);
  }
}
