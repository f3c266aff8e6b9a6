/** Everything a service needs to receive messages once each and to answer failures well. */
import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER, APP_INTERCEPTOR } from '@nestjs/core';
import { MessageClaimStore } from './message-claim.store.js';
import { MESSAGING_OPTIONS, type MessagingOptions } from './messaging.options.js';
import { OncePerMessageInterceptor } from './once-per-message.interceptor.js';
import { RpcErrorFilter } from './rpc-error.filter.js';

/** Applies the once-per-message interceptor and the error filter to every handler. */
@Module({})
export class MessagingModule {
  static register(options: MessagingOptions): DynamicModule {
    return {
      module: MessagingModule,
      providers: [
        { provide: MESSAGING_OPTIONS, useValue: options },
        MessageClaimStore,
        { provide: APP_INTERCEPTOR, useClass: OncePerMessageInterceptor },
        { provide: APP_FILTER, useClass: RpcErrorFilter },
      ],
    };
  }
}
