// Before all specs: one PostgreSQL server for createDatabase(), and a Redis binary in the cache, so
// that the workers need not provide it at the same time. Imports the compiled runner: build first.
const { findRedisBinary, PostgresServer } =
  await import('../../dist/runner/servers/index.js').catch((error) => {
    throw new Error('Build before testing: npm test does, or run npx tsc -b.', { cause: error });
  });

export default async function setup() {
  const [postgres] = await Promise.all([PostgresServer.start(), findRedisBinary()]);
  process.env.NESTJS_DISTRIBUTED_TEST_POSTGRES_URL = postgres.url;
  globalThis.nestjsDistributedTestPostgres = postgres;
}
