/** The shop while its Redis is dead, frozen or cut off: every route answers, no process would die. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { ShopFixture } from '../support/shop.fixture.js';

/** What the runner's clients wait for an answer. */
const PATIENCE_MS = 10_000;
const TEST_MS = 60_000;

const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown): number => unhandled.push(reason);

let fixture: ShopFixture;
let round = 0;

beforeAll(async () => {
  process.on('unhandledRejection', onUnhandled);
  fixture = await ShopFixture.start();
  // Half of all attempts would fail, and the circuit to the provider rightly open.
  fixture.providerCuts = false;
  await fixture.addProduct('lamp', 1_000);
}, TEST_MS);

afterAll(async () => {
  await fixture.stop();
  // A rejection counts as unhandled only after the microtasks of its turn.
  await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', onUnhandled);
  expect(unhandled).toEqual([]);
}, TEST_MS);

interface Call {
  readonly method: 'get' | 'post' | 'put';
  readonly path: string;
  readonly body?: object;
}

/** Every route once, with ids of its own. */
function everyRoute(prefix: '' | '/naive'): Call[] {
  const id = `${prefix.slice(1)}r${++round}`;
  const customer = `${prefix}/customers/customer-${round}/orders`;
  const items = [{ sku: 'book', quantity: 1 }];
  const order = { orderId: `b-${id}`, customerId: 'customer-1', items, amountCents: 1 };
  const purchase = { buyerId: 'b', purchaseId: id };
  const checkout = { checkoutId: id, customerId: 'c', amountCents: 1 };
  return [
    { method: 'post', path: `${prefix}/flash-sales/lamp/purchases`, body: purchase },
    { method: 'post', path: `${prefix}/checkouts`, body: checkout },
    { method: 'post', path: customer, body: { orderId: `a-${id}`, sku: 'book', quantity: 1 } },
    { method: 'get', path: customer },
    { method: 'post', path: `${prefix}/orders`, body: order },
    { method: 'get', path: `${prefix}/products/lamp` },
    { method: 'put', path: `${prefix}/products/lamp/price`, body: { priceCents: 2_000 + round } },
  ];
}

async function call({ method, path, body }: Call): Promise<{ status: number; body: unknown }> {
  const sent = request(fixture.gateway.getHttpServer())[method](path);
  return body ? sent.timeout(PATIENCE_MS).send(body) : sent.timeout(PATIENCE_MS);
}

/** Repeats until the shop has recovered; each call has its own deadline. */
async function untilItWorks(request: Call): Promise<number> {
  const { status } = await call(request);
  return status === 503 ? untilItWorks(request) : status;
}

const FAULTS: readonly [string, () => Promise<void> | void, () => Promise<void> | void][] = [
  ['is killed', () => fixture.redis.kill(), () => fixture.redis.restart()],
  ['is frozen', () => fixture.redis.freeze(), () => fixture.redis.thaw()],
  ['is cut off', () => fixture.network.blackhole('both'), () => fixture.network.heal()],
];

describe.each(FAULTS)('while Redis %s', (_, begin, end) => {
  it(
    'every route answers in time, and works again afterwards',
    async () => {
      await begin();
      const during = [...everyRoute(''), ...everyRoute('/naive')];
      const answers = await Promise.all(during.map(call));
      for (const { status, body } of answers) {
        expect(status).toBe(503);
        expect(body).toMatchObject({ code: expect.stringMatching(/^E_[A-Z_]+$/), retryable: true });
      }
      await end();
      const after = everyRoute('');
      const status = await Promise.all(after.map(untilItWorks));
      expect(status).toEqual([201, 201, 201, 200, 201, 200, 200]);
    },
    TEST_MS,
  );
});

it(
  'connections that are reset again and again cost no protected request',
  async () => {
    const work = Array.from({ length: 6 }, () =>
      everyRoute('').filter(({ method }) => method !== 'put'),
    );
    const answers: Promise<{ status: number }>[] = [];
    for (const calls of work) {
      answers.push(...calls.map(call));
      // Some of them have been sent, none of them is answered.
      await new Promise((resolve) => setImmediate(resolve));
      fixture.network.resetAll();
    }
    const failed = (await Promise.all(answers)).filter(({ status }) => status >= 300);
    expect(failed).toEqual([]);
  },
  TEST_MS,
);
