/**
 * Run once per DataSource before its first transaction: proves on the real database that every way
 * into TypeORM joins, so that an upgrade that broke it is a loud error and not lost writes.
 */
import type { AdoptedDataSource, ProvenFacts } from './adopted-data-source.js';
import { runInNewTransaction, type TransactionEnvironment } from './local-transaction.js';
import { Propagation } from './propagation.js';
import { JoiningBrokenError } from './transaction.errors.js';
import type { Manager, TypeOrmDataSource } from './typeorm-surface.js';

const FACTS = `SELECT current_setting('transaction_isolation') AS isolation,
  (SELECT setting::int FROM pg_settings WHERE name = 'statement_timeout') AS statement,
  (SELECT setting::int FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout') AS idle`;

const PID = 'SELECT pg_backend_pid() AS pid';

interface PidBuilder {
  select(selection: string, alias: string): PidBuilder;
  from(source: string, alias: string): PidBuilder;
  getRawOne(): Promise<{ readonly pid: number } | undefined>;
}

/**
 * The facts of an adopted DataSource; proves joining at the first call.
 * @throws JoiningBrokenError `E_TRANSACTION_JOIN_BROKEN`, or the database's error (tried again next time)
 */
export async function provenFacts(
  adopted: AdoptedDataSource,
  environment: Pick<
    TransactionEnvironment,
    'clock' | 'dataSourceName' | 'timeoutMs' | 'onHookError'
  >,
): Promise<ProvenFacts> {
  if (adopted.facts) return adopted.facts;
  adopted.proof ??= prove(adopted, environment);
  try {
    adopted.facts = await adopted.proof;
    return adopted.facts;
  } catch (error) {
    adopted.proof = undefined;
    throw error;
  }
}

async function prove(
  adopted: AdoptedDataSource,
  environment: Pick<
    TransactionEnvironment,
    'clock' | 'dataSourceName' | 'timeoutMs' | 'onHookError'
  >,
): Promise<ProvenFacts> {
  const { dataSource, context } = adopted;
  const name = environment.dataSourceName;
  if (dataSource.options.type !== 'postgres')
    throw new JoiningBrokenError(
      name,
      `only 'postgres' is supported, not '${dataSource.options.type}'`,
    );
  return context.suspend(dataSource, async () => {
    const [row] = (await dataSource.query(FACTS)) as {
      isolation: string;
      statement: number;
      idle: number;
    }[];
    if (!row) throw new JoiningBrokenError(name, 'its settings cannot be read');
    const facts = {
      isolation: row.isolation.toUpperCase(),
      statementTimeoutMs: row.statement,
      idleTimeoutMs: row.idle,
    };
    const whole = {
      ...environment,
      context,
      dataSource,
      limits: facts,
      defaultIsolation: 'READ COMMITTED' as const,
    };
    const options = {
      propagation: Propagation.REQUIRES_NEW,
      readOnly: true,
      timeout: undefined,
      rollbackFor: [],
      noRollbackFor: [],
    };
    // COMMIT of this very transaction proves that its tag can be read.
    await runInNewTransaction(whole, options, `${name}: joining proof`, () =>
      proveJoined(dataSource, name),
    );
    return facts;
  });
}

async function proveJoined(dataSource: TypeOrmDataSource, name: string): Promise<void> {
  const { manager } = dataSource;
  const builder = (): PidBuilder => dataSource.createQueryBuilder() as PidBuilder;
  const ways: Readonly<Record<string, () => Promise<number | undefined>>> = {
    'manager.queryRunner': async () => firstPid(await manager.queryRunner?.query(PID)),
    'dataSource.query': async () => firstPid(await dataSource.query(PID)),
    'manager.query': async () =>
      firstPid(await (manager as unknown as { query(sql: string): Promise<unknown> }).query(PID)),
    'dataSource.createQueryBuilder': async () =>
      (
        await builder()
          .select('pg_backend_pid()', 'pid')
          .from('(SELECT 1 AS one)', 'one')
          .getRawOne()
      )?.pid,
    'manager.transaction': async () =>
      (await manager.transaction(async (inner: Manager) =>
        firstPid(await inner.queryRunner?.query(PID)),
      )) as number | undefined,
  };
  let expected: number | undefined;
  for (const [way, pid] of Object.entries(ways)) {
    const actual = await pid();
    expected ??= actual;
    if (actual === undefined || actual !== expected)
      throw new JoiningBrokenError(name, `${way} does not join a transaction`);
  }
}

function firstPid(rows: unknown): number | undefined {
  return (rows as { readonly pid: number }[] | undefined)?.[0]?.pid;
}
