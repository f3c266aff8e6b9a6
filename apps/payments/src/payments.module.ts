/** Wires the payments service. */
import { type DynamicModule, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { MessagingModule } from '@shop/contracts';
import { DistributedModule, NetworkErrors } from 'nestjs-distributed';
import { CheckoutsController } from './checkouts.controller.js';
import { NaiveCheckoutsController } from './checkouts.naive.controller.js';
import { paymentsDataSource } from './data-source.js';
import { NaiveProviderService } from './naive-provider.service.js';
import { Payment } from './payment.entity.js';
import { PaymentBook } from './payment-book.service.js';
import { PAYMENTS_OPTIONS, type PaymentsOptions } from './payments.options.js';
import { ProviderService } from './provider.service.js';

/** Checkouts, protected and naive. */
@Module({})
export class PaymentsModule {
  static register(options: PaymentsOptions): DynamicModule {
    const { replica, transportUrl } = options;
    return {
      module: PaymentsModule,
      imports: [
        TypeOrmModule.forRoot(paymentsDataSource(options.databaseUrl)),
        TypeOrmModule.forFeature([Payment]),
        DistributedModule.forRoot({
          resilience: {
            policies: {
              payments: {
                timeout: '1s',
                // Less than the gateway waits for one of its own attempts.
                totalTimeout: '4s',
                // The provider promises that an idempotency key charges once.
                idempotent: true,
                retry: { maxAttempts: 3, budget: { ratio: 0.5 } },
              },
            },
          },
        }),
        MessagingModule.register({
          replica,
          transportUrl,
          classify: (error) => NetworkErrors.classify(error),
        }),
      ],
      controllers: [CheckoutsController, NaiveCheckoutsController],
      providers: [
        { provide: PAYMENTS_OPTIONS, useValue: options },
        PaymentBook,
        ProviderService,
        NaiveProviderService,
      ],
    };
  }
}
