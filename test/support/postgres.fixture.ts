/** PostgreSQL for specs: a fresh database on the run's shared server, or a server of one's own. */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { PostgresServer, type PostgresServerOptions } from '../../src/servers/index.js';

export type { PostgresServer };

/** Where global-setup.mjs leaves the address of the run's shared server. */
const SHARED_SERVER = 'NESTJS_DISTRIBUTED_TEST_POSTGRES_URL';

/** A database that belongs to one spec. */
export interface TestDatabase {
  readonly url: string;
  /** Deletes it; sessions and prepared transactions in it are ended first. */
  drop(): Promise<void>;
}

/** A server process of one's own, for tests that kill or freeze it (about a second). */
export function startPostgres(options: PostgresServerOptions = {}): Promise<PostgresServer> {
  return PostgresServer.start(options);
}

/** An empty database on the shared server; names are unique over all workers. */
export async function createDatabase(): Promise<TestDatabase> {
  const admin = process.env[SHARED_SERVER];
  if (!admin)
    throw new Error(`${SHARED_SERVER} is not set: run Jest with test/support/global-setup.mjs.`);
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await query(admin, `CREATE DATABASE ${name}`);
  const url = new URL(admin);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => drop(admin, url.href, name) };
}

async function drop(admin: string, url: string, name: string): Promise<void> {
  // WITH (FORCE) ends sessions, but gives up on prepared transactions.
  const prepared = await query(
    url,
    'SELECT gid FROM pg_prepared_xacts WHERE database = current_database()',
  );
  for (const { gid } of prepared)
    await query(url, `ROLLBACK PREPARED ${pg.escapeLiteral(String(gid))}`);
  await query(admin, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
}

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}
