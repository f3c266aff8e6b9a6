/** The sending side of the transport. */
import { type DynamicModule, Module } from '@nestjs/common';
import { SHOP_TRANSPORT, ShopClient } from './shop-client.service.js';
import { ShopRedisClient } from './shop-redis-client.js';

/** Provides `ShopClient`. */
@Module({})
export class ShopClientModule {
  static register(options: { readonly transportUrl: string }): DynamicModule {
    return {
      module: ShopClientModule,
      providers: [
        {
          provide: SHOP_TRANSPORT,
          useFactory: () => new ShopRedisClient({ url: options.transportUrl }),
        },
        ShopClient,
      ],
      exports: [ShopClient],
    };
  }
}
