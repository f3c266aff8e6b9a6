/** The undecorated twins: they work as long as nothing happens, and this is what happens then. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { ShopFixture } from '../support/shop.fixture.js';

let fixture: ShopFixture;

beforeAll(async () => {
  fixture = await ShopFixture.start();
}, 60_000);

afterAll(async () => {
  await fixture.stop();
}, 60_000);

const shop = () => request(fixture.gateway.getHttpServer());

describe('the naive routes', () => {
  it('sell more than there is', async () => {
    const sku = await fixture.addProduct('lamp', 5);
    await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        shop()
          .post(`/naive/flash-sales/${sku}/purchases`)
          .send({ buyerId: `b-${n}`, purchaseId: `p-${n}` }),
      ),
    );
    const sold = await fixture.rows('inventory', 'SELECT id FROM purchases');
    expect(sold.length).toBeGreaterThan(5);
  });

  it('charge twice when the first answer is lost', async () => {
    const body = { checkoutId: 'checkout-1', customerId: 'c', amountCents: 500 };
    await shop().post('/naive/checkouts').send(body).expect(201);
    expect([...fixture.charges.keys()]).toEqual(['checkout-1#1', 'checkout-1#2']);
  });

  it('store and find the orders of a customer, somewhere', async () => {
    const path = '/naive/customers/customer-1/orders';
    const body = { orderId: 'order-1', sku: 'book', quantity: 2 };
    const view = { ...body, customerId: 'customer-1' };
    await shop().post(path).send(body).expect(201, view);
    const found = await shop().get(path).expect(200);
    expect(found.body).toEqual([view]);
  });

  it('leave half an order behind', async () => {
    const order = { customerId: 'customer-1', items: [{ sku: 'a', quantity: 1 }] };
    const place = (orderId: string, amountCents: number) =>
      shop()
        .post('/naive/orders')
        .send({ ...order, orderId, amountCents });
    await place('whole', 700).expect(201, { orderId: 'whole' });
    await place('half', 100_001).expect(402);
    const found = await fixture.rows('s2', `SELECT id FROM orders WHERE id = 'half'`);
    expect(found).toHaveLength(1);
    expect(await fixture.rows('s2', 'SELECT order_id FROM order_payments')).toEqual([
      { order_id: 'whole' },
    ]);
  });

  it('serve a price that was changed', async () => {
    const sku = await fixture.addProduct('chair', 1);
    const read = async (): Promise<number> =>
      ((await shop().get(`/naive/products/${sku}`).expect(200)).body as { version: number })
        .version;
    const readMany = () => Promise.all(Array.from({ length: 40 }, read));
    expect(new Set(await readMany())).toEqual(new Set([1]));
    const change = shop().put(`/naive/products/${sku}/price`).send({ priceCents: 2000 });
    await change.expect(200, { sku, priceCents: 2000, version: 2 });
    expect(new Set(await readMany())).toContain(1);
  });
});
