/** A DataSource on a fresh database with the transaction room built by hand, and an observer beside it. */
import { type EventEmitter, once } from 'node:events';
import { expect } from '@jest/globals';
import { ModulesContainer } from '@nestjs/core';
import pg from 'pg';
import {
  Column,
  DataSource,
  type DataSourceOptions,
  Entity,
  type Logger,
  PrimaryGeneratedColumn,
} from 'typeorm';
import { validateOptions } from '../../libs/distributed/src/distributed.validation.js';
import { type Clock, SystemClock } from '../../libs/distributed/src/time/index.js';
import { DataSourcesExplorer } from '../../libs/distributed/src/transaction/data-sources.explorer.js';
import {
  type FencePort,
  type TransactionModuleOptions,
  TransactionService,
} from '../../libs/distributed/src/transaction/index.js';
import { TransactionContext } from '../../libs/distributed/src/transaction/transaction-context.js';
import { moduleOptionsSchema } from '../../libs/distributed/src/transaction/transaction.options.js';
import { TransactionRunner } from '../../libs/distributed/src/transaction/transaction-runner.js';
import { createDatabase } from './postgres.fixture.js';

/** The protected resource of the transaction specs. */
@Entity()
export class Note {
  @PrimaryGeneratedColumn()
  id!: number;

  @Column({ type: 'text', unique: true })
  text!: string;
}

/** See `createTransactionFixture`. */
export interface TransactionFixture {
  readonly dataSource: DataSource;
  readonly transactions: TransactionService;
  /** Hooks that failed after the outcome was decided. */
  readonly hookErrors: unknown[];
  /** Writes one row through an injected-style repository. */
  save(text: string): Promise<Note>;
  /** Every statement that was sent, in order. */
  readonly statements: string[];
  /** The committed rows, seen from another connection. */
  rows(): Promise<string[]>;
  /** Runs SQL on a connection of its own, outside of everything. */
  observe(sql: string, parameters?: unknown[]): Promise<Record<string, never>[]>;
  /** The server process behind the current transaction. */
  pid(): Promise<number>;
  /** Ends that server process, and returns when the client has noticed. */
  kill(pid: number): Promise<void>;
  /** Nothing leaked: every pooled connection is idle and clean, none was left in a transaction. */
  expectClean(): Promise<void>;
  close(): Promise<void>;
}

/** An error of the application. */
export class Boom extends Error {}

/** Throws a `Boom`. */
export function boom(): never {
  throw new Boom('boom');
}

/** A promise that the test settles. */
export function deferred<T = void>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((settle) => (resolve = settle));
  return { promise, resolve };
}

/** Writes down what TypeORM and the library send. */
class StatementLog implements Logger {
  constructor(private readonly statements: string[]) {}

  logQuery(sql: string): void {
    this.statements.push(sql);
  }

  logQueryError(): void {}
  logQuerySlow(): void {}
  logSchemaBuild(): void {}
  logMigration(): void {}
  log(): void {}
}

interface PoolCounts extends EventEmitter {
  readonly totalCount: number;
  readonly idleCount: number;
  readonly waitingCount: number;
}

/** The service of an application whose DataSources are given by name. */
export function createTransactionService(
  options: TransactionModuleOptions,
  clock: Clock = new SystemClock(),
  fences?: FencePort,
): TransactionService {
  const checked = validateOptions(moduleOptionsSchema, options, 'transaction');
  const explorer = new DataSourcesExplorer(new ModulesContainer(), checked);
  return new TransactionService(
    new TransactionRunner(clock, new TransactionContext(), explorer, checked, undefined, fences),
  );
}

/**
 * @param options of the DataSource; `via` puts the pool behind another address (a fault proxy)
 */
export async function createTransactionFixture(
  options: {
    readonly dataSource?: Partial<DataSourceOptions>;
    readonly via?: (url: string) => string;
    readonly pool?: number;
    readonly url?: string;
    readonly clock?: Clock;
  } = {},
): Promise<TransactionFixture> {
  const database = options.url
    ? { url: options.url, drop: async () => {} }
    : await createDatabase();
  const observer = new pg.Pool({ connectionString: database.url, max: 2 });
  observer.on('error', () => undefined);
  const statements: string[] = [];
  const name = `spec-${Math.random().toString(36).slice(2)}`;
  const dataSource = await new DataSource({
    type: 'postgres',
    url: options.via ? options.via(database.url) : database.url,
    applicationName: name,
    entities: [Note],
    synchronize: true,
    extra: { max: options.pool ?? 4 },
    logger: new StatementLog(statements),
    ...options.dataSource,
  } as DataSourceOptions).initialize();
  statements.length = 0;
  // As injected: made once, outside of every transaction.
  const repository = dataSource.getRepository(Note);
  const hookErrors: unknown[] = [];
  const transactions = createTransactionService(
    { dataSources: { default: dataSource }, onHookError: (error) => hookErrors.push(error) },
    options.clock,
  );
  const pool = (dataSource.driver as unknown as { master: PoolCounts }).master;
  const observe = async (sql: string, parameters?: unknown[]): Promise<Record<string, never>[]> =>
    (await observer.query<Record<string, never>>(sql, parameters)).rows;
  return {
    dataSource,
    transactions,
    hookErrors,
    statements,
    save: (text) => repository.save({ text }),
    rows: async () =>
      (await observe('SELECT text FROM note ORDER BY text')).map((row) => String(row['text'])),
    observe,
    pid: async () => {
      const [row] = (await dataSource.query('SELECT pg_backend_pid() AS pid')) as { pid: number }[];
      return row!.pid;
    },
    kill: async (pid) => {
      // The pool drops the client when its socket has reported the end.
      const noticed = once(pool, 'remove');
      await observe('SELECT pg_terminate_backend($1)', [pid]);
      await noticed;
    },
    expectClean: async () => {
      expect(pool.waitingCount).toBe(0);
      expect(pool.idleCount).toBe(pool.totalCount);
      // A closed connection is on its way to the server; one that leaks never goes away.
      for (let open = 1; open > 0;) {
        const [row] = await observe(
          `SELECT count(*)::int AS open FROM pg_stat_activity
           WHERE application_name = $1 AND state LIKE 'idle in%'`,
          [name],
        );
        open = Number(row?.['open']);
      }
      // The pool still works, and hands out clean connections.
      const states = await Promise.all(
        Array.from({ length: options.pool ?? 4 }, () => dataSource.query('SELECT 1 AS one')),
      );
      expect(states).toEqual(states.map(() => [{ one: 1 }]));
    },
    close: async () => {
      await dataSource.destroy();
      await observer.end();
      await database.drop();
    },
  };
}
