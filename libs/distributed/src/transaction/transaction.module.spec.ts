/** `@Transactional` in Nest applications: `@nestjs/typeorm`, forFeature, several applications, boot errors. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type DynamicModule, Injectable, type ModuleMetadata } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  InjectDataSource,
  InjectEntityManager,
  InjectRepository,
  TypeOrmModule,
} from '@nestjs/typeorm';
import { of } from 'rxjs';
import { DataSource, EntityManager, Repository } from 'typeorm';
import { createDatabase, type TestDatabase } from '../../../../test/support/postgres.fixture.js';
import { Boom, boom, Note } from '../../../../test/support/transaction.fixture.js';
import { AspectBinder, AspectRuntime } from '../aspects/index.js';
import { capabilityOptionsToken } from '../distributed.tokens.js';
import { Clock, SystemClock } from '../time/index.js';
import {
  type DataSourceLike,
  Propagation,
  ShardPort,
  Transactional,
  TransactionAspect,
  TransactionModule,
  type TransactionModuleOptions,
  TransactionService,
} from './index.js';

@Injectable()
class Notes {
  constructor(
    @InjectRepository(Note) readonly repository: Repository<Note>,
    @InjectEntityManager() readonly manager: EntityManager,
    @InjectDataSource() readonly dataSource: DataSource,
    readonly transactions: TransactionService,
  ) {}

  @Transactional()
  async addAll(fail: boolean): Promise<string> {
    await this.repository.save({ text: 'repository' });
    await this.manager.insert(Note, { text: 'manager' });
    await this.dataSource.query(`INSERT INTO note (text) VALUES ('dataSource')`);
    await this.nested();
    if (fail) boom();
    return this.transactions.current()?.label ?? 'none';
  }

  @Transactional({ propagation: Propagation.NESTED })
  async nested(): Promise<void> {
    await this.repository.save({ text: 'nested' });
  }

  @Transactional()
  async stream(): Promise<unknown> {
    await this.repository.save({ text: 'stream' });
    return of(1);
  }

  count(): Promise<number> {
    return this.repository.count();
  }
}

@Injectable()
class Ledger {
  constructor(private readonly transactions: TransactionService) {}

  @Transactional({ dataSource: 'ledger' })
  async post(): Promise<unknown> {
    return this.transactions.current()?.dataSource;
  }
}

/** What distributed.module.ts does, for this room alone. */
function transactions(options: TransactionModuleOptions, shards?: ShardPort): DynamicModule {
  const surroundings: DynamicModule = {
    module: class Surroundings {},
    providers: [
      { provide: Clock, useClass: SystemClock },
      { provide: capabilityOptionsToken('transaction'), useValue: options },
      ...(shards ? [{ provide: ShardPort, useValue: shards }] : []),
    ],
    exports: [Clock, capabilityOptionsToken('transaction'), ...(shards ? [ShardPort] : [])],
  };
  const room = TransactionModule.register(surroundings);
  return {
    module: class Root {},
    global: true,
    imports: [room],
    providers: [
      {
        provide: AspectRuntime,
        inject: [TransactionAspect],
        useFactory: (aspect: TransactionAspect) => new AspectRuntime([aspect]),
      },
      AspectBinder,
    ],
    exports: [AspectRuntime, room],
  };
}

const SILENT = { log: () => {}, warn: () => {}, error: () => {} };

async function start(metadata: ModuleMetadata): Promise<TestingModule> {
  const app = await Test.createTestingModule(metadata).setLogger(SILENT).compile();
  return app.init();
}

function typeorm(database: TestDatabase, name?: string): DynamicModule {
  const { url } = database;
  const entities = [Note];
  return TypeOrmModule.forRoot({
    type: 'postgres',
    url,
    entities,
    synchronize: true,
    ...(name && { name }),
  });
}

function notes(database: TestDatabase, options: TransactionModuleOptions = {}): ModuleMetadata {
  return {
    imports: [transactions(options), typeorm(database), TypeOrmModule.forFeature([Note])],
    providers: [Notes],
  };
}

describe('@Transactional in Nest', () => {
  let a: TestDatabase;
  let b: TestDatabase;

  beforeAll(async () => {
    [a, b] = await Promise.all([createDatabase(), createDatabase()]);
  });
  afterAll(() => Promise.all([a.drop(), b.drop()]));

  // Naive (nestjs-cls, plain TypeORM): injected repositories write outside of the transaction.
  it('joins what Nest injects: repository, manager, DataSource', async () => {
    const app = await start(notes(a));
    const service = app.get(Notes);
    await expect(service.addAll(true)).rejects.toBeInstanceOf(Boom);
    expect(await service.count()).toBe(0);
    await expect(service.addAll(false)).resolves.toBe('Notes.addAll');
    expect(await service.count()).toBe(4);
    await service.repository.clear();
    await app.close();
  });

  // Naive: the method returns, the transaction commits, the Observable runs later.
  it('E11 a method that returns an Observable is refused and rolled back', async () => {
    const app = await start(notes(a));
    const service = app.get(Notes);
    await expect(service.stream()).rejects.toMatchObject({ code: 'E_ASPECT_OBSERVABLE' });
    expect(await service.count()).toBe(0);
    await app.close();
  });

  // Naive: a process-wide registry by name hands the first application's connection to the second.
  it('two applications in one process stay apart, also while interleaved', async () => {
    const [first, second] = await Promise.all([start(notes(a)), start(notes(b))]);
    const [one, two] = [first.get(Notes), second.get(Notes)];
    const results = await Promise.allSettled([
      one.addAll(false),
      two.addAll(true),
      two.addAll(true),
    ]);
    expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected', 'rejected']);
    expect([await one.count(), await two.count()]).toEqual([4, 0]);
    await one.transactions.run(async () => {
      expect(two.transactions.isActive()).toBe(false);
      await two.addAll(false);
    });
    expect([await one.count(), await two.count()]).toEqual([4, 4]);
    await Promise.all([one.repository.clear(), two.repository.clear()]);
    await Promise.all([first.close(), second.close()]);
  });

  it('two applications may share one DataSource object', async () => {
    const { url } = a;
    const shared = await new DataSource({ type: 'postgres', url, entities: [Note] }).initialize();
    const metadata = (): ModuleMetadata => ({
      imports: [transactions({})],
      providers: [{ provide: 'shared', useValue: shared }],
    });
    const [first, second] = await Promise.all([start(metadata()), start(metadata())]);
    for (const app of [first, second]) {
      const service = app.get(TransactionService);
      const failing = service.run(async () => {
        expect(service.isActive()).toBe(true);
        await shared.getRepository(Note).insert({ text: 'x' });
        boom();
      });
      await expect(failing).rejects.toBeInstanceOf(Boom);
    }
    expect(await shared.getRepository(Note).count()).toBe(0);
    await Promise.all([first.close(), second.close()]);
    await shared.destroy();
  });

  it('several DataSources by name; each has its own transaction', async () => {
    const app = await start({
      imports: [transactions({}), typeorm(a), typeorm(b, 'ledger')],
      providers: [Ledger],
    });
    const service = app.get(TransactionService);
    await service.run(async () => {
      expect(service.isActive('ledger')).toBe(false);
      await service.run(
        async () => {
          expect(service.current()?.dataSource).toBe('ledger');
          expect(service.current('default')?.dataSource).toBe('default');
        },
        { dataSource: 'ledger' },
      );
    });
    await app.get(Ledger).post();
    await app.close();
  });

  it('a DataSource made by hand is given in the options', async () => {
    const { url } = b;
    const ledger = await new DataSource({ type: 'postgres', url }).initialize();
    const app = await start({
      imports: [transactions({ dataSources: { ledger } })],
      providers: [Ledger],
    });
    await expect(app.get(Ledger).post()).resolves.toBe('ledger');
    await app.close();
    await ledger.destroy();
  });

  it('a name nobody knows fails the boot and lists what is known', async () => {
    await expect(
      start({ imports: [transactions({}), typeorm(a)], providers: [Ledger] }),
    ).rejects.toThrow(/@Transactional\(\) on Ledger\.post\(\).*'ledger'; known: 'default'/);
  });

  it('two DataSources of one name fail the boot', async () => {
    const options = { type: 'postgres', url: a.url } as const;
    const providers = [1, 2].map((n) => ({ provide: `ds${n}`, useValue: new DataSource(options) }));
    await expect(start({ imports: [transactions({})], providers })).rejects.toThrow(
      /two DataSources/,
    );
  });

  it('without a name a call opens on the shard of its context, else on the default', async () => {
    const [one, two] = await Promise.all(
      [a, b].map(({ url }) => new DataSource({ type: 'postgres', url }).initialize()),
    );
    let routed: DataSourceLike | undefined;
    class Shards extends ShardPort {
      current(): DataSourceLike | undefined {
        return routed;
      }

      all(): DataSourceLike[] {
        return [one!, two!];
      }
    }
    const app = await start({ imports: [transactions({}, new Shards())] });
    const service = app.get(TransactionService);
    for (const shard of [one!, two!]) {
      routed = shard;
      await service.run(async () => {
        expect(shard.manager.queryRunner).toBeDefined();
        expect((shard === one ? two! : one!).manager.queryRunner).toBeUndefined();
      });
    }
    routed = undefined;
    await expect(service.run(async () => {})).rejects.toMatchObject({
      code: 'E_TRANSACTION_DATA_SOURCE',
    });
    await app.close();
    await Promise.all([one!.destroy(), two!.destroy()]);
  });

  // What a TypeORM upgrade, or another library that changes the DataSource, could do.
  it('joining that does not work fails the boot loudly', async () => {
    const other = await new DataSource({ type: 'postgres', url: a.url }).initialize();
    const createQueryBuilder = other.createQueryBuilder.bind(other);
    other.createQueryBuilder = () => createQueryBuilder();
    await expect(
      start({ imports: [transactions({})], providers: [{ provide: 'ds', useValue: other }] }),
    ).rejects.toMatchObject({ code: 'E_TRANSACTION_JOIN_BROKEN' });
    await other.destroy();
  });
});
