/** The first schema of a shard; the same on every one. */
import type { MigrationInterface, QueryRunner } from 'typeorm';

/** `_slot` says which of the 16384 slots a row belongs to; the naive routes leave it empty. */
export class CreateOrders1700000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE orders (
        id text PRIMARY KEY,
        customer_id text NOT NULL,
        _slot int,
        sku text,
        quantity int,
        amount_cents int,
        status text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now()
      )`);
    await runner.query('CREATE INDEX orders_customer ON orders (customer_id, created_at)');
    await runner.query(`
      CREATE TABLE stock_movements (
        id bigserial PRIMARY KEY,
        order_id text NOT NULL,
        customer_id text NOT NULL,
        _slot int,
        sku text NOT NULL,
        quantity int NOT NULL
      )`);
    await runner.query('CREATE INDEX stock_movements_order ON stock_movements (order_id)');
    await runner.query(`
      CREATE TABLE order_payments (
        order_id text PRIMARY KEY,
        customer_id text NOT NULL,
        _slot int,
        amount_cents int NOT NULL
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE order_payments, stock_movements, orders');
  }
}
