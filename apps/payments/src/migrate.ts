/** Brings the payments' database up to date; run once before the replicas start. */
import { Logger } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { paymentsDataSource } from './data-source.js';
import { paymentsDatabaseUrl } from './payments.options.js';

const logger = new Logger('payments migrations');
try {
  const database = await new DataSource(paymentsDataSource(paymentsDatabaseUrl())).initialize();
  const applied = await database.runMigrations({ transaction: 'all' });
  logger.log(`${applied.length} applied`);
  await database.destroy();
} catch (error) {
  logger.fatal((error as Error).message);
  process.exit(1);
}
