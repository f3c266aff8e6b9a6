/** Every protected route once: all apps in one process, on real Redis and PostgreSQL. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { inventory } from '@shop/contracts';
import { Redis } from 'ioredis';
import request from 'supertest';
import { type ShopDatabase, ShopFixture } from '../support/shop.fixture.js';

/** Which half of the slots owns them, by an independent CRC16 (Python's `binascii.crc_hqx`). */
const CUSTOMER_OF_S1 = 'customer-2';
const CUSTOMER_OF_S2 = 'customer-1';

let fixture: ShopFixture;

beforeAll(async () => {
  fixture = await ShopFixture.start();
}, 60_000);

afterAll(async () => {
  await fixture.stop();
}, 60_000);

const rows = <R extends object>(database: ShopDatabase, sql: string, values: unknown[] = []) =>
  fixture.rows<R>(database, sql, values);

const product = (sku: string, stock: number) => fixture.addProduct(sku, stock);

const shop = () => request(fixture.gateway.getHttpServer());

describe('flash sales', () => {
  const buy = (sku: string, n: number) =>
    shop()
      .post(`/flash-sales/${sku}/purchases`)
      .send({ buyerId: `b-${n}`, purchaseId: `${sku}-${n}` });

  it('sell exactly the stock to many buyers at once, on two replicas', async () => {
    const sku = await product('lamp', 5);
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => buy(sku, n)));
    const status = answers.map((answer) => answer.status).toSorted((a, b) => a - b);
    expect(status).toEqual([...Array(5).fill(201), ...Array(15).fill(409)]);
    expect(answers.find((answer) => answer.status === 409)?.body).toMatchObject({
      code: 'E_SHOP_SOLD_OUT',
      retryable: false,
    });
    const sold = await rows('inventory', 'SELECT id FROM purchases WHERE sku = $1', [sku]);
    expect(sold).toHaveLength(5);
    expect(await rows('inventory', 'SELECT stock FROM products WHERE sku = $1', [sku])).toEqual([
      { stock: 0 },
    ]);
  });

  it('a repeated purchase is the same purchase', async () => {
    const sku = await product('vase', 2);
    await buy(sku, 1).expect(201, { purchaseId: 'vase-1' });
    await buy(sku, 1).expect(201, { purchaseId: 'vase-1' });
    expect(await rows('inventory', 'SELECT stock FROM products WHERE sku = $1', [sku])).toEqual([
      { stock: 1 },
    ]);
  });

  it('an unknown product is 422, a malformed body 400', async () => {
    const unknown = await buy('nothing', 1).expect(422);
    expect(unknown.body).toMatchObject({ code: 'E_SHOP_UNKNOWN_SKU' });
    const malformed = await shop()
      .post('/flash-sales/lamp/purchases')
      .send({ buyerId: 7 })
      .expect(400);
    expect(malformed.body).toMatchObject({ code: 'E_HTTP_400' });
  });
});

describe('checkouts', () => {
  it('charge once although the first answer of the provider is lost', async () => {
    const body = { checkoutId: 'checkout-1', customerId: 'c', amountCents: 500 };
    const answer = await shop().post('/checkouts').send(body).expect(201);
    expect(answer.body).toEqual({
      checkoutId: 'checkout-1',
      chargeId: fixture.charges.get('checkout-1'),
    });
    expect(fixture.attempts.get('checkout-1')).toBe(2);
    expect([...fixture.charges.keys()].filter((key) => key.startsWith('checkout-1'))).toEqual([
      'checkout-1',
    ]);
    const paid = await rows('payments', 'SELECT checkout_id, charge_id, status FROM payments');
    expect(paid).toEqual([
      { checkout_id: 'checkout-1', charge_id: fixture.charges.get('checkout-1'), status: 'paid' },
    ]);
  });
});

describe('orders of a customer', () => {
  it('lie on the shard of the customer, once, whatever is repeated', async () => {
    for (const customer of [CUSTOMER_OF_S1, CUSTOMER_OF_S2]) {
      const path = `/customers/${customer}/orders`;
      const body = { orderId: `of-${customer}`, sku: 'book', quantity: 2 };
      const view = { ...body, customerId: customer };
      await shop().post(path).send(body).expect(201, view);
      await shop().post(path).send(body).expect(201, view);
      await shop().get(path).expect(200, [view]);
    }
    const ids = 'SELECT id FROM orders WHERE sku IS NOT NULL';
    expect(await rows('s1', ids)).toEqual([{ id: `of-${CUSTOMER_OF_S1}` }]);
    expect(await rows('s2', ids)).toEqual([{ id: `of-${CUSTOMER_OF_S2}` }]);
  });
});

describe('orders with stock and payment', () => {
  const place = (orderId: string, more: object = {}) =>
    shop()
      .post('/orders')
      .send({
        orderId,
        customerId: CUSTOMER_OF_S2,
        items: ['a', 'b', 'c'].map((sku) => ({ sku, quantity: 1 })),
        amountCents: 700,
        ...more,
      });

  const traces = async (orderId: string): Promise<number[]> =>
    Promise.all(
      ['orders WHERE id', 'stock_movements WHERE order_id', 'order_payments WHERE order_id'].map(
        async (table) => (await rows('s2', `SELECT 1 FROM ${table} = $1`, [orderId])).length,
      ),
    );

  it('are there as a whole, once', async () => {
    await place('whole').expect(201, { orderId: 'whole' });
    await place('whole').expect(201, { orderId: 'whole' });
    expect(await traces('whole')).toEqual([1, 3, 1]);
  });

  it('a declined card leaves nothing', async () => {
    const answer = await place('declined', { amountCents: 100_001 }).expect(402);
    expect(answer.body).toMatchObject({ code: 'E_SHOP_CARD_DECLINED' });
    expect(await traces('declined')).toEqual([0, 0, 0]);
  });

  it('an unknown product leaves nothing', async () => {
    const items = [
      { sku: 'a', quantity: 1 },
      { sku: 'missing-1', quantity: 1 },
      { sku: 'c', quantity: 1 },
    ];
    const answer = await place('unknown', { items }).expect(422);
    expect(answer.body).toMatchObject({ code: 'E_SHOP_UNKNOWN_SKU' });
    expect(await traces('unknown')).toEqual([0, 0, 0]);
  });

  it('many repetitions at the same moment are one order', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => place('rush')));
    expect(answers.map((answer) => answer.status)).toEqual(Array(10).fill(201));
    expect(await traces('rush')).toEqual([1, 3, 1]);
  });
});

describe('products', () => {
  const read = async (sku: string): Promise<number> =>
    ((await shop().get(`/products/${sku}`).expect(200)).body as { version: number }).version;

  it('are loaded once for everybody, and never older than an acknowledged change', async () => {
    const sku = await product('chair', 1);
    const first = await Promise.all(Array.from({ length: 20 }, () => read(sku)));
    expect(first).toEqual(Array(20).fill(1));
    expect(await loadsOf(sku)).toBe(1);
    for (const version of [2, 3, 4]) {
      const changed = await shop()
        .put(`/products/${sku}/price`)
        .send({ priceCents: 1000 + version })
        .expect(200);
      expect(changed.body).toEqual({ sku, priceCents: 1000 + version, version });
      const seen = await Promise.all(Array.from({ length: 20 }, () => read(sku)));
      expect(seen).toEqual(Array(20).fill(version));
    }
    expect(await loadsOf(sku)).toBe(4);
  });

  async function loadsOf(sku: string): Promise<number> {
    return (await rows('inventory', 'SELECT 1 FROM price_loads WHERE sku = $1', [sku])).length;
  }
});

describe('messages', () => {
  it('are answered by one replica each', async () => {
    const sku = await product('table', 1);
    const spy = new Redis(fixture.redis.url);
    const replies: string[] = [];
    spy.on('message', (_channel, text: string) => replies.push(text));
    await spy.subscribe(`${inventory.product}.reply`);
    await Promise.all(Array.from({ length: 30 }, () => shop().get(`/products/${sku}`).expect(200)));
    // Replies of a second replica would have been published before this answer.
    await spy.ping();
    spy.disconnect();
    expect(replies).toHaveLength(30);
  });
});

describe('the gateway', () => {
  it('says that it is alive, and documents every route', async () => {
    await shop().get('/health').expect(200, { status: 'ok' });
    const docs = (await shop().get('/docs-json').expect(200)).body as { paths: object };
    expect(Object.keys(docs.paths).toSorted()).toEqual([
      '/checkouts',
      '/customers/{customerId}/orders',
      '/flash-sales/{sku}/purchases',
      '/health',
      '/naive/checkouts',
      '/naive/customers/{customerId}/orders',
      '/naive/flash-sales/{sku}/purchases',
      '/naive/orders',
      '/naive/products/{sku}',
      '/naive/products/{sku}/price',
      '/orders',
      '/products/{sku}',
      '/products/{sku}/price',
    ]);
  });
});
