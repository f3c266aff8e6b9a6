/** A leader that writes: two applications, one database that has the last word. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { InjectDataSource, TypeOrmModule } from '@nestjs/typeorm';
import {
  DistributedModule,
  fenceTableSql,
  LeaderOnly,
  LockService,
  Transactional,
} from 'nestjs-distributed';
import { DataSource } from 'typeorm';
import { createDatabase } from '../support/postgres.fixture.js';
import { startRedis } from '../support/redis.fixture.js';

@Injectable()
class Importer {
  constructor(@InjectDataSource() readonly dataSource: DataSource) {}

  /** A long job of the leader, in steps; `between` is what happens meanwhile. */
  @LeaderOnly('importer', { onLost: 'abort' })
  async poll(between: () => Promise<void>): Promise<string | undefined> {
    await this.step();
    await between();
    // What a loop that does not look at its signal does.
    return await this.write().then(() => 'wrote', String);
  }

  @Transactional()
  @LeaderOnly('importer')
  async step(): Promise<boolean | undefined> {
    await this.dataSource.query('UPDATE feed SET position = position + 1');
    return true;
  }

  @Transactional()
  async write(): Promise<void> {
    await this.dataSource.query('UPDATE feed SET position = 1000');
  }
}

describe('@LeaderOnly and the database', () => {
  let redis: Awaited<ReturnType<typeof startRedis>>;
  let database: Awaited<ReturnType<typeof createDatabase>>;
  let apps: [TestingModule, TestingModule];

  const electionOf = (app: TestingModule) => app.get(LockService).election('importer');
  const position = async (): Promise<number> => {
    const [{ position: found }] = await apps[0].get(DataSource).query('SELECT position FROM feed');
    return Number(found);
  };

  beforeAll(async () => {
    [redis, database] = await Promise.all([startRedis(), createDatabase()]);
    const start = async (): Promise<TestingModule> => {
      const app = await Test.createTestingModule({
        imports: [
          TypeOrmModule.forRoot({ type: 'postgres', url: database.url, extra: { max: 4 } }),
          DistributedModule.forRoot({
            redis: { url: redis.url },
            lock: {},
            transaction: { fenced: 'ifLocked' },
          }),
        ],
        providers: [Importer],
      }).compile();
      return await app.init();
    };
    apps = [await start(), await start()];
    const source = apps[0].get(DataSource);
    await source.query(fenceTableSql());
    await source.query('CREATE TABLE feed (position int NOT NULL)');
    await source.query('INSERT INTO feed VALUES (0)');
  });

  afterAll(async () => {
    await Promise.all(apps.map((app) => app.close()));
    await Promise.all([database.drop(), redis.stop()]);
  });

  beforeEach(async () => {
    await apps[0].get(DataSource).query('UPDATE feed SET position = 0');
  });

  it('one of two works, under the fence of its term', async () => {
    const leader = await Promise.any(
      apps.map((app) =>
        electionOf(app)
          .campaign(AbortSignal.timeout(10_000))
          .then(() => app),
      ),
    );
    const results = await Promise.all(apps.map((app) => app.get(Importer).step()));
    expect(results.filter(Boolean)).toEqual([true]);
    expect(await position()).toBe(1);
    const [fence] = await leader.get(DataSource).query('SELECT token FROM lock_fences');
    expect(Number(fence.token)).toBe(electionOf(leader).leadership?.fencingToken);
  });

  it('a deposed leader that goes on is refused: the database has seen its successor', async () => {
    const leader = apps.find((app) => electionOf(app).isLeader) as TestingModule;
    const other = apps.find((app) => app !== leader) as TestingModule;
    const successor = electionOf(other).campaign();
    const ended = await leader.get(Importer).poll(async () => {
      await leader.get(LockService).forceRelease(['election', 'importer']);
      await successor;
      expect(await other.get(Importer).step()).toBe(true);
    });
    expect(ended).toMatch(/^StaleLockError/);
    expect(await position()).toBe(2);
    expect(await leader.get(Importer).step()).toBeUndefined();
  });
});
