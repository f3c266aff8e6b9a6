/** Wires the inventory service. */
import { type DynamicModule, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { MessagingModule } from '@shop/contracts';
import { DistributedModule, NetworkErrors } from 'nestjs-distributed';
import { inventoryDataSource } from './data-source.js';
import { FlashSaleService } from './flash-sale.service.js';
import { FlashSalesController } from './flash-sales.controller.js';
import { NaiveFlashSalesController } from './flash-sales.naive.controller.js';
import { INVENTORY_OPTIONS, type InventoryOptions } from './inventory.options.js';
import { LateHolder } from './late-holder.entity.js';
import { LateHolders } from './late-holders.service.js';
import { NaivePriceCache } from './naive-price-cache.store.js';
import { PriceLoad } from './price-load.entity.js';
import { PriceService } from './price.service.js';
import { PricesController } from './prices.controller.js';
import { NaivePricesController } from './prices.naive.controller.js';
import { Product } from './product.entity.js';
import { Purchase } from './purchase.entity.js';

/** Flash sales and prices, protected and naive. */
@Module({})
export class InventoryModule {
  static register(options: InventoryOptions): DynamicModule {
    const { replica, transportUrl } = options;
    return {
      module: InventoryModule,
      imports: [
        TypeOrmModule.forRoot(inventoryDataSource(options.databaseUrl, replica)),
        TypeOrmModule.forFeature([Product, Purchase, PriceLoad, LateHolder]),
        DistributedModule.forRoot({
          redis: { url: options.redisUrl },
          lock: {},
          // All processes of the demo share a few cores: slow is not down here.
          cache: { ttl: '1m', l2: { readDeadline: '1s', writeDeadline: '1s' } },
          transaction: {},
        }),
        MessagingModule.register({
          replica,
          transportUrl,
          classify: (error) => NetworkErrors.classify(error),
        }),
      ],
      controllers: [
        FlashSalesController,
        NaiveFlashSalesController,
        PricesController,
        NaivePricesController,
      ],
      providers: [
        { provide: INVENTORY_OPTIONS, useValue: options },
        FlashSaleService,
        LateHolders,
        PriceService,
        NaivePriceCache,
      ],
    };
  }
}
