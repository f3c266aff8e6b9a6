/** The inventory's database: entities and migrations, never `synchronize`. */
import type { DataSourceOptions } from 'typeorm';
import { CreateInventory1700000000000 } from './migrations/1700000000000-create-inventory.js';
import { PriceLoad } from './price-load.entity.js';
import { Product } from './product.entity.js';
import { Purchase } from './purchase.entity.js';

/** Options of the TypeORM `DataSource`. */
export function inventoryDataSource(url: string): DataSourceOptions {
  return {
    type: 'postgres',
    url,
    entities: [Product, Purchase, PriceLoad],
    migrations: [CreateInventory1700000000000],
    connectTimeoutMS: 3_000,
  };
}
