/** The first schema of the payments. */
import type { MigrationInterface, QueryRunner } from 'typeorm';

/** One row per checkout. */
export class CreatePayments1700000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE payments (
        checkout_id text PRIMARY KEY,
        customer_id text NOT NULL,
        amount_cents int NOT NULL,
        charge_id text NOT NULL,
        status text NOT NULL
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE payments');
  }
}
