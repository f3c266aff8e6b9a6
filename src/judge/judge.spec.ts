/** The judge's SQL against a real database: what it must find, and what it must not. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { createDatabase } from '../../test/support/postgres.fixture.js';
import { ChargeLedger } from '../provider/charge-ledger.js';
import { auditCheckouts } from './checkout-audit.js';
import { Judge } from './judge.js';
import { auditOrders } from './order-audit.js';
import { auditSlots } from './slot-audit.js';
import { countPriceLoads } from './staleness.js';
import { auditStock } from './stock-audit.js';

/** The columns the judge reads; the apps' migrations make the real tables. */
const SCHEMA = `
  CREATE TABLE products (sku text PRIMARY KEY, stock int);
  CREATE TABLE purchases (id text PRIMARY KEY, sku text);
  CREATE TABLE late_holders (lock_key text);
  CREATE TABLE price_loads (id bigserial PRIMARY KEY, sku text);
  CREATE TABLE payments (checkout_id text PRIMARY KEY);
  CREATE TABLE orders (id text PRIMARY KEY, customer_id text);
  CREATE TABLE stock_movements (id bigserial PRIMARY KEY, order_id text);
  CREATE TABLE order_payments (order_id text PRIMARY KEY);`;

describe('Judge', () => {
  const databases: Awaited<ReturnType<typeof createDatabase>>[] = [];
  let judge: Judge;
  let s1: string;
  let s2: string;

  beforeAll(async () => {
    for (let n = 0; n < 2; n++) databases.push(await createDatabase());
    [s1, s2] = databases.map((database) => database.url) as [string, string];
    judge = new Judge({ inventory: s1, payments: s1, shards: { s1, s2 } });
    for (const url of [s1, s2]) await execute(url, SCHEMA);
  });

  afterAll(async () => {
    for (const database of databases) await database.drop();
  });

  beforeEach(async () => {
    for (const url of [s1, s2])
      await execute(
        url,
        `TRUNCATE products, purchases, late_holders, price_loads, payments, orders, stock_movements, order_payments`,
      );
  });

  async function execute(url: string, sql: string): Promise<void> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query(sql);
    await client.end();
  }

  async function placeOrder(url: string, id: string, parts: string): Promise<void> {
    if (parts.includes('o')) await execute(url, `INSERT INTO orders VALUES ('${id}', 'c')`);
    for (const _ of parts.matchAll(/m/g))
      await execute(url, `INSERT INTO stock_movements (order_id) VALUES ('${id}')`);
    if (parts.includes('p')) await execute(url, `INSERT INTO order_payments VALUES ('${id}')`);
  }

  describe('auditStock', () => {
    it('finds nothing wrong when stock and purchases add up', async () => {
      await execute(
        s1,
        `INSERT INTO products VALUES ('a', 1); INSERT INTO purchases VALUES ('1', 'a'), ('2', 'a')`,
      );
      expect(await auditStock(judge, 'a', 3)).toEqual({
        sold: 2,
        left: 1,
        oversold: 0,
        inconsistent: 0,
        refused: 0,
      });
    });

    it('counts the late holders of this sale alone', async () => {
      await execute(
        s1,
        `INSERT INTO products VALUES ('a', 1);
         INSERT INTO late_holders VALUES ('flash-sale:a'), ('flash-sale:b')`,
      );
      expect(await auditStock(judge, 'a', 1)).toMatchObject({ refused: 1 });
    });

    it('counts every purchase beyond the stock, and a stock that does not add up', async () => {
      await execute(
        s1,
        `INSERT INTO products VALUES ('a', 0);
         INSERT INTO purchases SELECT n::text, 'a' FROM generate_series(1, 5) n`,
      );
      expect(await auditStock(judge, 'a', 3)).toMatchObject({ oversold: 2, inconsistent: 1 });
    });

    it('finds lost stock though nothing was oversold', async () => {
      await execute(
        s1,
        `INSERT INTO products VALUES ('a', 2); INSERT INTO purchases VALUES ('1', 'a'), ('2', 'a')`,
      );
      expect(await auditStock(judge, 'a', 3)).toMatchObject({ oversold: 0, inconsistent: 1 });
    });

    it('finds a product that has disappeared', async () => {
      expect(await auditStock(judge, 'a', 3)).toMatchObject({ inconsistent: 1 });
    });
  });

  it('auditSlots finds rows on a shard that does not own the customer', async () => {
    // Slot 5061 belongs to s1, slot 12182 to s2.
    await execute(s1, `INSERT INTO orders VALUES ('1', 'bar'), ('2', 'foo'), ('3', 'other')`);
    await execute(s2, `INSERT INTO orders VALUES ('4', 'bar'), ('5', 'foo')`);
    expect(await auditSlots(judge, 'bar')).toEqual({ rows: 2, misplaced: 1 });
    expect(await auditSlots(judge, 'foo')).toEqual({ rows: 2, misplaced: 1 });
  });

  it.each([
    ['everything', 'ommp', 'complete'],
    ['nothing', '', 'absent'],
    ['no payment', 'omm', 'partial'],
    ['a movement too few', 'omp', 'partial'],
    ['a movement too many', 'ommmp', 'partial'],
    ['movements without an order', 'mm', 'partial'],
    ['an order alone', 'o', 'partial'],
  ] as const)('auditOrders, two items, %s: %s is %s', async (_, parts, verdict) => {
    await placeOrder(s2, 'x', parts);
    const audit = await auditOrders(judge, new Map([['x', 2]]));
    expect(audit).toEqual({ complete: [], absent: [], partial: [], [verdict]: ['x'] });
  });

  it('auditOrders finds an order that was placed on both shards', async () => {
    await placeOrder(s1, 'x', 'omp');
    await placeOrder(s2, 'x', 'omp');
    expect(await auditOrders(judge, new Map([['x', 1]]))).toMatchObject({ partial: ['x'] });
  });

  it('auditCheckouts counts charges beyond the first, and charges without a row', async () => {
    await execute(s1, `INSERT INTO payments VALUES ('a'), ('b')`);
    const ledger = new ChargeLedger();
    for (const reference of ['a', 'b', 'b', 'b', 'c', 'other', 'other'])
      ledger.charge(reference, 100);
    expect(await auditCheckouts(judge, ledger, ['a', 'b', 'c', 'd'])).toEqual({
      doubleCharges: 2,
      unrecorded: 1,
      recorded: 2,
    });
  });

  it('countPriceLoads counts the loads of one product', async () => {
    await execute(s1, `INSERT INTO price_loads (sku) VALUES ('a'), ('b'), ('a')`);
    expect(await countPriceLoads(judge, 'a')).toBe(2);
  });

  it('settled waits until two readings agree', async () => {
    const readings = [1, 2, 3, 3, 4];
    expect(await judge.settled(async () => readings.shift())).toBe(3);
  });
});
