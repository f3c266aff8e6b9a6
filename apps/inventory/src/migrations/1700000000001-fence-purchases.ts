/** What fenced purchases need. */
import { fenceTableSql } from 'nestjs-distributed';
import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The fence of the locks, and the trace of holders it refused. */
export class FencePurchases1700000000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(fenceTableSql());
    await runner.query(`
      CREATE TABLE late_holders (
        id bigserial PRIMARY KEY,
        lock_key text NOT NULL,
        replica text NOT NULL,
        at timestamptz NOT NULL DEFAULT now()
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE late_holders, lock_fences');
  }
}
