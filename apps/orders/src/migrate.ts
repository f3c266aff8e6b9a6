/** Brings every shard of the orders up to date; run once before the replicas start. */
import { Logger } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { shardDataSource } from './data-source.js';
import { ordersShards } from './orders.options.js';

const logger = new Logger('orders migrations');
try {
  for (const { id, url } of ordersShards()) {
    const database = await new DataSource(shardDataSource(url)).initialize();
    const applied = await database.runMigrations({ transaction: 'all' });
    logger.log(`${applied.length} applied to ${id}`);
    await database.destroy();
  }
} catch (error) {
  logger.fatal((error as Error).message);
  process.exit(1);
}
