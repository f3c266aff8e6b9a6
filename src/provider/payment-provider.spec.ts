/** The provider stub misbehaves as planned, and its ledger holds what was really charged. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FaultPlan, type ProviderBehaviour } from './fault-plan.js';
import { PaymentProvider } from './payment-provider.js';

class FixedPlan extends FaultPlan {
  constructor(private readonly behaviours: readonly ProviderBehaviour[]) {
    super();
  }

  override behaviour(_index: number, attempt: number): ProviderBehaviour {
    return this.behaviours[attempt - 1] ?? 'serve';
  }
}

describe('PaymentProvider', () => {
  let provider: PaymentProvider;

  beforeEach(async () => {
    provider = new PaymentProvider();
    await provider.start();
  });

  afterEach(() => provider.stop());

  function charge(reference: string, key?: string, signal?: AbortSignal): Promise<Response> {
    return fetch(`${provider.url}/charges`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(key && { 'idempotency-key': key }) },
      body: JSON.stringify({ reference, amountCents: 100 }),
      ...(signal && { signal }),
    });
  }

  it('charges every time without a key, once with one', async () => {
    await charge('naive-1');
    await charge('naive-1');
    const first = await charge('safe-1', 'safe-1');
    const second = await charge('safe-1', 'safe-1');
    expect(provider.ledger.count('naive-1')).toBe(2);
    expect(provider.ledger.count('safe-1')).toBe(1);
    expect(await second.json()).toEqual(await first.json());
  });

  it.each<[ProviderBehaviour, number]>([
    ['reset-before', 0],
    ['reset-after', 1],
  ])('%s breaks the connection and has charged %d times', async (behaviour, charges) => {
    provider.follow(new FixedPlan([behaviour]));
    await expect(charge('order-1')).rejects.toThrow('fetch failed');
    expect(provider.ledger.count('order-1')).toBe(charges);
  });

  it('refuse answers 503 and charges nothing; the next attempt is served', async () => {
    provider.follow(new FixedPlan(['refuse']));
    expect((await charge('order-1')).status).toBe(503);
    expect(provider.ledger.count('order-1')).toBe(0);
    expect((await charge('order-1')).status).toBe(201);
    expect(provider.attempts('order-1')).toBe(2);
  });

  it('hang never answers, until the run is over', async () => {
    provider.follow(new FixedPlan(['hang']));
    await expect(charge('order-1', undefined, AbortSignal.timeout(50))).rejects.toThrow(/timeout/);
    const hanging = charge('order-2');
    while (provider.attempts('order-2') === 0) await new Promise((done) => setImmediate(done));
    provider.releaseHung();
    await expect(hanging).rejects.toThrow('fetch failed');
    expect(provider.ledger.count('order-2')).toBe(0);
  });

  it('slow answers late, but answers', async () => {
    provider.follow(new FixedPlan(['slow']));
    const startedAt = performance.now();
    expect((await charge('order-1')).status).toBe(201);
    expect(performance.now() - startedAt).toBeGreaterThan(300);
  });
});
