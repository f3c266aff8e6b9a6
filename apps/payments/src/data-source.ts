/** The payments' database: entities and migrations, never `synchronize`. */
import type { DataSourceOptions } from 'typeorm';
import { CreatePayments1700000000000 } from './migrations/1700000000000-create-payments.js';
import { Payment } from './payment.entity.js';

/** Options of the TypeORM `DataSource`. */
export function paymentsDataSource(url: string): DataSourceOptions {
  return {
    type: 'postgres',
    url,
    entities: [Payment],
    migrations: [CreatePayments1700000000000],
    connectTimeoutMS: 3_000,
  };
}
