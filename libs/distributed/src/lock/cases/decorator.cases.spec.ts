/** Complaints about decorated methods: metadata, errors, keys, and the order of lock and commit. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import {
  ConflictException,
  Controller,
  Get,
  HttpException,
  Injectable,
  type INestApplication,
  Param,
  type Provider,
  SetMetadata,
  type Type,
} from '@nestjs/common';
import { Test } from '@nestjs/testing';
import request from 'supertest';
import {
  createTransactionFixture,
  deferred,
  Note,
  type TransactionFixture,
} from '../../../../../test/support/transaction.fixture.js';
import {
  currentLock,
  DistributedLock,
  DistributedModule,
  isDistributedError,
  Transactional,
} from '../../index.js';
import { MemoryLockStore } from '../../testing/index.js';

/** What `@Cron` of @nestjs/schedule does: options in metadata of the method that stands below. */
const Cron = (expression: string): MethodDecorator =>
  SetMetadata('SCHEDULE_CRON_OPTIONS', { cronTime: expression });

@Controller('stock')
class StockController {
  thrown: unknown;

  @Get('above/:sku')
  @Cron('0 * * * *')
  @DistributedLock({ key: (id: string) => ['sku', id] })
  async above(@Param('sku') sku: string): Promise<string> {
    return this.sell(sku);
  }

  @DistributedLock({ key: (id: string) => ['sku', id] })
  @Get('below/:sku')
  @Cron('0 * * * *')
  async below(@Param('sku') sku: string): Promise<string> {
    return this.sell(sku);
  }

  private sell(sku: string): string {
    if (sku !== 'gone') return `sold ${sku} under ${currentLock()?.key}`;
    this.thrown = new ConflictException('sold out');
    throw this.thrown;
  }
}

@Injectable()
class Payments {
  @DistributedLock({ key: (account: string[]) => ['account', ...account] })
  async pay(_account: string[], work: () => Promise<void>): Promise<void> {
    await work();
  }
}

@Injectable()
class Refunds {
  @DistributedLock({ key: (account: string[]) => ['account', ...account], ifLocked: 'throw' })
  async refund(account: string[]): Promise<string> {
    return account.join();
  }
}

/** Looks at what is committed when a lock is given back. */
class WatchingStore extends MemoryLockStore {
  readonly seen: string[][] = [];

  constructor(private readonly look: () => Promise<string[]>) {
    super();
  }

  override async release(
    ...command: Parameters<MemoryLockStore['release']>
  ): ReturnType<MemoryLockStore['release']> {
    this.seen.push(await this.look());
    return await super.release(...command);
  }
}

@Injectable()
class Ledger {
  save: (text: string) => Promise<Note>;

  @DistributedLock('ledger')
  @Transactional()
  async lockAbove(text: string): Promise<void> {
    await this.save(text);
  }

  @Transactional()
  @DistributedLock('ledger')
  async lockBelow(text: string): Promise<void> {
    await this.save(text);
  }
}

let app: INestApplication;

async function start(
  options: Parameters<typeof DistributedModule.forRoot>[0],
  providers: Provider[],
  controllers: Type[] = [],
): Promise<void> {
  const imports = [DistributedModule.forRoot(options)];
  const module = Test.createTestingModule({ imports, providers, controllers });
  app = (await module.compile()).createNestApplication({ logger: false });
  await app.init();
}

afterEach(() => app.close());

describe('a decorated method', () => {
  it('C30: keeps what @Get and @Cron wrote, in either order, its HttpException, and refuses a key of nothing (mutations: a new function without metadata, wrapped errors)', async () => {
    await start({ lock: { store: new MemoryLockStore() } }, [], [StockController]);
    const stock = app.get(StockController);
    for (const way of ['above', 'below'] as const) {
      await request(app.getHttpServer()).get(`/stock/${way}/7`).expect(200, 'sold 7 under sku:7');
      await request(app.getHttpServer()).get(`/stock/${way}/gone`).expect(409);
      const thrown = await stock[way]('gone').catch((error: unknown) => error);
      expect(thrown).toBe(stock.thrown);
      expect(thrown).toBeInstanceOf(HttpException);
      expect(Reflect.getMetadata('SCHEDULE_CRON_OPTIONS', stock[way])).toEqual({
        cronTime: '0 * * * *',
      });
      for (const nothing of [undefined, null, '']) {
        const refused = await stock[way](nothing as never).catch((error: unknown) => error);
        expect(isDistributedError(refused, 'E_KEY_INVALID')).toBe(true);
      }
    }
  });

  it('C31: shares its lock with every method that names the same key, and with no other: parts do not run together (mutations: prefix the method, join with a colon)', async () => {
    await start({ lock: { store: new MemoryLockStore() } }, [Payments, Refunds]);
    const refunds = app.get(Refunds);
    const [inside, end] = [deferred(), deferred()];
    const paying = app.get(Payments).pay(['a:b', 'c'], () => {
      inside.resolve();
      return end.promise;
    });
    await inside.promise;
    await expect(refunds.refund(['a:b', 'c'])).rejects.toMatchObject({ code: 'E_LOCK_HELD' });
    for (const other of [['a', 'b:c'], ['a', 'b', 'c'], ['a:b:c'], ['a%3Ab', 'c']])
      expect(await refunds.refund(other)).toBe(other.join());
    end.resolve();
    await paying;
    expect(await refunds.refund(['a:b', 'c'])).toBe('a:b,c');
  });
});

describe('a decorated method with a transaction', () => {
  let fixture: TransactionFixture;
  beforeAll(async () => {
    fixture = await createTransactionFixture();
  });
  afterAll(() => fixture.close());

  it('C32: gives its lock back after the commit, in whatever order they are written (mutation: the transaction outside)', async () => {
    const store = new WatchingStore(() => fixture.rows());
    const dataSources = { default: fixture.dataSource };
    await start({ lock: { store }, transaction: { dataSources } }, [Ledger]);
    const ledger = app.get(Ledger);
    ledger.save = (text) => fixture.save(text);
    await ledger.lockAbove('one');
    await ledger.lockBelow('two');
    // Seen from another connection in the moment of each release.
    expect(store.seen).toEqual([['one'], ['one', 'two']]);
  });
});
