/** `@Transactional({ advisoryLock })` in an application: keys from parameters, and a lock of Redis around it. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { InjectDataSource, TypeOrmModule } from '@nestjs/typeorm';
import { currentLock, DistributedLock, DistributedModule, Transactional } from 'nestjs-distributed';
import { DataSource } from 'typeorm';
import { createDatabase } from '../support/postgres.fixture.js';
import { startRedis } from '../support/redis.fixture.js';

@Injectable()
class Accounts {
  runs = 0;

  constructor(@InjectDataSource() readonly dataSource: DataSource) {}

  @Transactional({
    advisoryLock: (from: string, to: string) => [
      ['account', from],
      ['account', to],
    ],
  })
  async transfer(from: string, to: string, amount: number): Promise<void> {
    await this.#add(from, -amount);
    await this.#add(to, amount);
  }

  @DistributedLock({ key: (id: string) => ['account', id] })
  @Transactional({ advisoryLock: { key: (id: string) => ['account', id], wait: '2s' } })
  async deposit(id: string): Promise<boolean> {
    await this.#add(id, 1);
    return currentLock()?.held ?? false;
  }

  @Transactional({ advisoryLock: { key: (id: string) => ['account', id], ifLocked: 'skip' } })
  async inspect(id: string, then: () => Promise<unknown> = async () => {}): Promise<string> {
    this.runs += 1;
    await then();
    return id;
  }

  balances(): Promise<{ id: string; balance: number }[]> {
    return this.dataSource.query('SELECT id, balance FROM account ORDER BY id');
  }

  /** Reads, decides, writes: right only if nobody else does so at the same time. */
  async #add(id: string, amount: number): Promise<void> {
    const [row] = await this.dataSource.query('SELECT balance FROM account WHERE id = $1', [id]);
    await this.dataSource.query('UPDATE account SET balance = $2 WHERE id = $1', [
      id,
      Number(row.balance) + amount,
    ]);
  }
}

describe('@Transactional({ advisoryLock })', () => {
  let redis: Awaited<ReturnType<typeof startRedis>>;
  let database: Awaited<ReturnType<typeof createDatabase>>;
  let apps: TestingModule[];
  /** The same service in two applications: two pools, two Redis connections. */
  let a: Accounts;
  let b: Accounts;

  beforeAll(async () => {
    [redis, database] = await Promise.all([startRedis(), createDatabase()]);
    const start = async (): Promise<TestingModule> => {
      const app = await Test.createTestingModule({
        imports: [
          TypeOrmModule.forRoot({ type: 'postgres', url: database.url, extra: { max: 8 } }),
          DistributedModule.forRoot({ redis: { url: redis.url }, lock: {}, transaction: {} }),
        ],
        providers: [Accounts],
      }).compile();
      app.enableShutdownHooks();
      return await app.init();
    };
    apps = [await start(), await start()];
    [a, b] = apps.map((app) => app.get(Accounts)) as [Accounts, Accounts];
    await a.dataSource.query('CREATE TABLE account (id text PRIMARY KEY, balance int NOT NULL)');
  });
  afterAll(async () => {
    for (const app of apps ?? []) await app.close();
    await redis.stop();
    await database.drop();
  });
  beforeEach(async () => {
    await a.dataSource.query("TRUNCATE account; INSERT INTO account VALUES ('x', 100), ('y', 100)");
  });

  it('transfers in both directions at once lose nothing and never wait in a ring', async () => {
    const both = Array.from({ length: 20 }, () => [
      a.transfer('x', 'y', 2),
      b.transfer('y', 'x', 1),
    ]);
    await Promise.all(both.flat());
    expect(await a.balances()).toEqual([
      { id: 'x', balance: 80 },
      { id: 'y', balance: 120 },
    ]);
  });

  it('works inside the lock of Redis with the same key, from two applications', async () => {
    const held = await Promise.all(
      Array.from({ length: 10 }, () => [a.deposit('x'), b.deposit('x')]).flat(),
    );
    expect(new Set(held)).toEqual(new Set([true]));
    expect((await a.balances())[0]).toEqual({ id: 'x', balance: 120 });
  });

  it("ifLocked: 'skip' runs nothing while another application holds the key, only that key", async () => {
    let skipped: unknown = 'not asked';
    let other: unknown;
    const held = await a.inspect('x', async () => {
      skipped = await b.inspect('x');
      other = await b.inspect('y');
    });
    expect([held, skipped, other]).toEqual(['x', undefined, 'y']);
    expect([a.runs, b.runs]).toEqual([1, 1]);
  });

  it('a key that identifies nothing is refused before the transaction begins', async () => {
    const anonymous = a.inspect(undefined as unknown as string);
    await expect(anonymous).rejects.toMatchObject({ code: 'E_KEY_INVALID' });
    expect(a.runs).toBe(1);
  });

  it('a constant that identifies nothing is refused at decoration', () => {
    const descriptor = Object.getOwnPropertyDescriptor(Accounts.prototype, 'balances')!;
    const decorate = (advisoryLock: never) => () =>
      Transactional({ advisoryLock })(Accounts.prototype, 'balances', descriptor);
    expect(decorate('' as never)).toThrow(/E_KEY_INVALID|unusable/);
    expect(decorate({ mode: 'shared' } as never)).toThrow(/advisoryLock/);
    expect(decorate([['a'], 'b'] as never)).toThrow(/mixes keys and parts/);
    expect(decorate({ key: 'a', wait: '1s', ifLocked: 'skip' } as never)).toThrow(/no effect/);
  });
});
