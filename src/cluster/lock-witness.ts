/** Asks the lock store who holds a lock, through the library's own public face. */
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DistributedModule, LockService, type LockState } from 'nestjs-distributed';

/** Looks only; it takes no lock. */
export class LockWitness {
  readonly #context: INestApplicationContext;

  private constructor(context: INestApplicationContext) {
    this.#context = context;
  }

  /** Connects to the Redis of the shop. */
  static async open(redisUrl: string): Promise<LockWitness> {
    const module = DistributedModule.forRoot({ redis: { url: redisUrl }, lock: {} });
    return new LockWitness(await NestFactory.createApplicationContext(module, { logger: false }));
  }

  /** Who holds the lock of a flash sale; null when nobody does. */
  flashSale(sku: string): Promise<LockState | null> {
    return this.#context.get(LockService).query(['flash-sale', sku]);
  }

  /** Closes the connection. */
  close(): Promise<void> {
    return this.#context.close();
  }
}
