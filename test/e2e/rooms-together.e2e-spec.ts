/** The rooms wired by DistributedModule, on real servers: what one promises while another is active. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  Cached,
  CacheEvict,
  CacheService,
  currentLock,
  DistributedLock,
  DistributedModule,
  fenceTableSql,
  InjectPartitionRepository,
  inspectAspects,
  LockService,
  Partitioned,
  PartitionedEntity,
  PartitionKey,
  PartitionService,
  PartitionSlot,
  Propagation,
  Transactional,
  TransactionService,
} from 'nestjs-distributed';
import { Column, Entity, PrimaryColumn, type Repository } from 'typeorm';
import { createDatabase } from '../support/postgres.fixture.js';
import { startRedis } from '../support/redis.fixture.js';

@Entity('account')
@PartitionedEntity({ key: 'owner' })
class Account {
  @PrimaryColumn() id: string;
  @Column() owner: string;
  @Column('int') balance: number;
  @PartitionSlot() _slot: number;
}

const TABLE =
  'CREATE TABLE account (id text PRIMARY KEY, owner text NOT NULL, balance int NOT NULL, _slot int NOT NULL)';

@Injectable()
class Accounts {
  loads = 0;

  constructor(
    @InjectPartitionRepository(Account) readonly accounts: Repository<Account>,
    readonly transactions: TransactionService,
    readonly partitions: PartitionService,
    readonly caches: CacheService,
  ) {}

  @Transactional()
  @CacheEvict({ name: 'balance', key: (owner: string) => owner })
  @DistributedLock({ key: (owner: string) => ['account', owner] })
  @Partitioned()
  async open(@PartitionKey() owner: string, balance: number, fail = false): Promise<number> {
    await Promise.all(
      ['a', 'b', 'c'].map((id) => this.accounts.insert({ id: `${owner}-${id}`, owner, balance })),
    );
    if (fail) throw new Error('half-way');
    return currentLock()?.fencingToken ?? 0;
  }

  @Partitioned()
  @Cached({ name: 'balance', key: (owner: string) => owner })
  async balance(@PartitionKey() owner: string): Promise<number> {
    this.loads += 1;
    return (await this.accounts.sum('balance', { owner })) ?? 0;
  }

  @Partitioned()
  @DistributedLock({ key: (owner: string) => ['account', owner] })
  @Transactional()
  async add(@PartitionKey() owner: string, amount: number): Promise<void> {
    const account = await this.accounts.findOneByOrFail({ id: `${owner}-a` });
    await this.accounts.update({ id: account.id }, { balance: account.balance + amount });
  }

  @Transactional({ fenced: true })
  @DistributedLock({ key: (owner: string) => ['account', owner] })
  @Partitioned()
  async pay(@PartitionKey() owner: string, then?: () => Promise<void>): Promise<number> {
    const account = await this.accounts.findOneByOrFail({ id: `${owner}-a` });
    await then?.();
    await this.accounts.update({ id: account.id }, { balance: account.balance + 1 });
    return currentLock()?.fencingToken ?? 0;
  }

  @Transactional({ fenced: true })
  @Partitioned()
  async payUnlocked(@PartitionKey() owner: string): Promise<void> {
    await this.accounts.update({ id: `${owner}-a` }, { balance: 0 });
  }

  @Partitioned()
  @Transactional()
  async visit(@PartitionKey() _owner: string, other: string): Promise<void> {
    await this.partitions.run(other, async () => {});
  }

  @Partitioned()
  @Transactional()
  async outer(@PartitionKey() owner: string, then: 'commit' | 'roll back'): Promise<number> {
    await this.accounts.update({ id: `${owner}-a` }, { balance: 1_000 });
    await this.caches.delete('balance', owner);
    await this.audit(owner);
    if (then === 'roll back') throw new Error('rolled back');
    return this.loads;
  }

  @Transactional({ propagation: Propagation.REQUIRES_NEW })
  async audit(owner: string): Promise<void> {
    await this.accounts.insert({ id: `${owner}-audit-${Math.random()}`, owner, balance: 0 });
  }
}

describe('the rooms together', () => {
  let app: TestingModule;
  let accounts: Accounts;
  let redis: Awaited<ReturnType<typeof startRedis>>;
  const shards: Record<string, Awaited<ReturnType<typeof createDatabase>>> = {};
  const rowsOn = async (shard: string, owner: string): Promise<number> =>
    app
      .get(PartitionService)
      .runOnShard(shard, ({ dataSource }) =>
        dataSource
          .query('SELECT id FROM account WHERE owner = $1', [owner])
          .then((rows: unknown[]) => rows.length),
      );
  const shardOf = (owner: string): string => app.get(PartitionService).locate(owner).shard;
  const ownerOn = (shard: string, name: string): string => {
    for (let n = 0; ; n += 1) if (shardOf(`${name}${n}`) === shard) return `${name}${n}`;
  };

  beforeAll(async () => {
    redis = await startRedis();
    for (const id of ['s1', 's2']) shards[id] = await createDatabase();
    app = await Test.createTestingModule({
      imports: [
        DistributedModule.forRoot({
          redis: { url: redis.url },
          lock: {},
          cache: { ttl: '1m' },
          transaction: {},
          partition: {
            shards: Object.entries(shards).map(([id, { url }]) => ({ id, url })),
            entities: [Account],
          },
        }),
      ],
      providers: [Accounts],
    }).compile();
    app.enableShutdownHooks();
    await app.init();
    await app.get(PartitionService).runOnAll(async ({ dataSource }) => {
      await dataSource.query(TABLE);
      await dataSource.query(fenceTableSql());
    });
    accounts = app.get(Accounts);
  });
  afterAll(async () => {
    await app?.close();
    await redis.stop();
    for (const { drop } of Object.values(shards)) await drop();
  });

  it('the chain is that of the table, although it is written upside down', () => {
    expect(inspectAspects(Accounts.prototype.open).map((aspect) => aspect.kind)).toEqual([
      'partition',
      'lock',
      'cache-evict',
      'transaction',
    ]);
  });

  it('a transaction opens on the routed shard and takes all parallel writes with it', async () => {
    for (const shard of ['s1', 's2']) {
      const owner = ownerOn(shard, 'whole');
      expect(await accounts.open(owner, 5)).toBeGreaterThan(0);
      await expect(accounts.open(ownerOn(shard, 'half'), 5, true)).rejects.toThrow('half-way');
      expect(await rowsOn(shard, owner)).toBe(3);
      expect(await rowsOn(shard, ownerOn(shard, 'half'))).toBe(0);
      expect(await rowsOn(shard === 's1' ? 's2' : 's1', owner)).toBe(0);
    }
  });

  it('the lock outlives the commit: concurrent read-modify-writes lose nothing', async () => {
    const owner = ownerOn('s2', 'sum');
    await accounts.open(owner, 0);
    await Promise.all(Array.from({ length: 20 }, () => accounts.add(owner, 1)));
    expect(await accounts.balance(owner)).toBe(20);
  });

  it('a fenced transaction enters on its shard, under the token of the lock around it', async () => {
    const owner = ownerOn('s2', 'fence');
    await accounts.open(owner, 0);
    const token = await accounts.pay(owner);
    const rows = await app
      .get(PartitionService)
      .runOnShard('s2', ({ dataSource }) =>
        dataSource.query(
          'SELECT token::float8 AS token FROM lock_fences WHERE strpos(key, $1) > 0',
          [owner],
        ),
      );
    expect(rows).toEqual([{ token }]);
    await expect(accounts.payUnlocked(owner)).rejects.toMatchObject({
      code: 'E_TRANSACTION_FENCE',
    });
  });

  it('a holder that lost its lock before its transaction began is refused there', async () => {
    const owner = ownerOn('s1', 'late');
    await accounts.open(owner, 0);
    const locks = app.get(LockService);
    const late = locks.execute(['account', owner], async () => {
      // Frozen here; meanwhile somebody else takes the lock and pays.
      await locks.forceRelease(['account', owner]);
      await locks.execute(['account', owner], () => accounts.pay(owner), { reentrant: false });
      return accounts.pay(owner);
    });
    await expect(late).rejects.toMatchObject({ code: 'E_LOCK_STALE' });
    expect(await accounts.balance(owner)).toBe(1);
  });

  it('eviction happens after the commit: the next read loads what was committed', async () => {
    const owner = ownerOn('s1', 'evict');
    expect(await accounts.balance(owner)).toBe(0);
    await accounts.open(owner, 7);
    expect(await accounts.balance(owner)).toBe(21);
  });

  it('an eviction inside an outer transaction waits for its commit and vanishes with its rollback', async () => {
    const owner = ownerOn('s1', 'outer');
    await accounts.open(owner, 1);
    expect(await accounts.balance(owner)).toBe(3);
    const loads = accounts.loads;
    await expect(accounts.outer(owner, 'roll back')).rejects.toThrow('rolled back');
    expect([await accounts.balance(owner), accounts.loads]).toEqual([3, loads]);
    await accounts.outer(owner, 'commit');
    expect([await accounts.balance(owner), accounts.loads]).toEqual([1_002, loads + 1]);
  });

  it('REQUIRES_NEW inside a partition commits on the same shard, whatever becomes of the outer one', async () => {
    const owner = ownerOn('s2', 'new');
    await accounts.open(owner, 1);
    await expect(accounts.outer(owner, 'roll back')).rejects.toThrow('rolled back');
    expect(await rowsOn('s2', owner)).toBe(4);
  });

  it('a transaction cannot leave its shard', async () => {
    await expect(
      accounts.visit(ownerOn('s1', 'here'), ownerOn('s2', 'there')),
    ).rejects.toMatchObject({ code: 'E_PARTITION_CROSS_SHARD' });
  });

  it('the service twins are the same machinery', async () => {
    const owner = ownerOn('s1', 'twin');
    await app.get(LockService).execute(['account', owner], () =>
      app.get(PartitionService).run(owner, () =>
        app.get(TransactionService).run(async () => {
          await accounts.accounts.insert({ id: `${owner}-a`, owner, balance: 1 });
        }),
      ),
    );
    expect(await rowsOn('s1', owner)).toBe(1);
  });
});
