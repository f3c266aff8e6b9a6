/** Writes down which holders the fence refused. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import {
  Inject,
  Injectable,
  Logger,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { LOCK_CHANNELS, type LockEvents } from 'nestjs-distributed';
import { Repository } from 'typeorm';
import { INVENTORY_OPTIONS, type InventoryOptions } from './inventory.options.js';
import { LateHolder } from './late-holder.entity.js';

/** Hears the library's own event: the refusal happens outside of every method of the application. */
@Injectable()
export class LateHolders implements OnModuleInit, OnModuleDestroy {
  readonly #logger = new Logger('LateHolders');
  readonly #listener = (event: unknown): void => {
    this.#record(event as LockEvents['stale']).catch((error: unknown) => this.#logger.error(error));
  };

  constructor(
    @InjectRepository(LateHolder) private readonly late: Repository<LateHolder>,
    @Inject(INVENTORY_OPTIONS) private readonly options: InventoryOptions,
  ) {}

  onModuleInit(): void {
    subscribe(LOCK_CHANNELS.stale, this.#listener);
  }

  onModuleDestroy(): void {
    unsubscribe(LOCK_CHANNELS.stale, this.#listener);
  }

  async #record({ key: lockKey, fencingToken }: LockEvents['stale']): Promise<void> {
    const { replica } = this.options;
    this.#logger.warn(`refused as a late holder of '${lockKey}' (token ${fencingToken})`);
    // On a connection of its own: the transaction around the refusal rolls back.
    const runner = this.late.manager.dataSource.createQueryRunner();
    try {
      await runner.query('INSERT INTO late_holders (lock_key, replica) VALUES ($1, $2)', [
        lockKey,
        replica,
      ]);
    } finally {
      await runner.release();
    }
  }
}
