/** Wires the gateway. */
import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { ShopClientModule } from '@shop/contracts';
import { DistributedModule } from 'nestjs-distributed';
import { CheckoutsController } from './checkouts/checkouts.controller.js';
import { NaiveCheckoutsController } from './checkouts/checkouts.naive.controller.js';
import { CustomersController } from './customers/customers.controller.js';
import { NaiveCustomersController } from './customers/customers.naive.controller.js';
import { FlashSalesController } from './flash-sales/flash-sales.controller.js';
import { NaiveFlashSalesController } from './flash-sales/flash-sales.naive.controller.js';
import type { GatewayOptions } from './gateway.options.js';
import { HealthController } from './health.controller.js';
import { HttpErrorFilter } from './http-error.filter.js';
import { OrdersController } from './orders/orders.controller.js';
import { NaiveOrdersController } from './orders/orders.naive.controller.js';
import { ProductsController } from './products/products.controller.js';
import { NaiveProductsController } from './products/products.naive.controller.js';
import { sendPolicies } from './send-policies.options.js';

/** HTTP in, messages out: protected routes at `/…`, their undecorated twins at `/naive/…`. */
@Module({})
export class GatewayModule {
  static register({ transportUrl }: Pick<GatewayOptions, 'transportUrl'>): DynamicModule {
    return {
      module: GatewayModule,
      imports: [
        DistributedModule.forRoot({ resilience: { policies: sendPolicies } }),
        ShopClientModule.register({ transportUrl }),
      ],
      controllers: [
        HealthController,
        FlashSalesController,
        NaiveFlashSalesController,
        CheckoutsController,
        NaiveCheckoutsController,
        CustomersController,
        NaiveCustomersController,
        OrdersController,
        NaiveOrdersController,
        ProductsController,
        NaiveProductsController,
      ],
      providers: [{ provide: APP_FILTER, useClass: HttpErrorFilter }],
    };
  }
}
