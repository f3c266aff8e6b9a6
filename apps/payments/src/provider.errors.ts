/** Errors of the payment provider. */

/** The provider answered, but not with a charge. */
export class ProviderError extends Error {
  /** @param status the HTTP status; what it means for a retry is read from it */
  constructor(readonly status: number) {
    super(`the payment provider answered ${status}`);
    this.name = 'ProviderError';
  }
}
