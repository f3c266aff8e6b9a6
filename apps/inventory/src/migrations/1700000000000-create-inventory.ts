/** The first schema of the inventory. */
import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Products, purchases and the trace of price loads. */
export class CreateInventory1700000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE products (
        sku text PRIMARY KEY,
        name text NOT NULL,
        stock int NOT NULL,
        price_cents int NOT NULL,
        price_version int NOT NULL DEFAULT 1
      )`);
    await runner.query(`
      CREATE TABLE purchases (
        id text PRIMARY KEY,
        sku text NOT NULL,
        buyer_id text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now()
      )`);
    await runner.query('CREATE INDEX purchases_sku ON purchases (sku)');
    await runner.query(`
      CREATE TABLE price_loads (
        id bigserial PRIMARY KEY,
        sku text NOT NULL,
        replica text NOT NULL,
        at timestamptz NOT NULL DEFAULT now()
      )`);
    await runner.query('CREATE INDEX price_loads_sku ON price_loads (sku)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE price_loads, purchases, products');
  }
}
