/** Brings the inventory's database up to date; run once before the replicas start. */
import { Logger } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { inventoryDataSource } from './data-source.js';
import { inventoryDatabaseUrl } from './inventory.options.js';

const logger = new Logger('inventory migrations');
try {
  const database = await new DataSource(inventoryDataSource(inventoryDatabaseUrl())).initialize();
  const applied = await database.runMigrations({ transaction: 'all' });
  logger.log(`${applied.length} applied`);
  await database.destroy();
} catch (error) {
  logger.fatal((error as Error).message);
  process.exit(1);
}
