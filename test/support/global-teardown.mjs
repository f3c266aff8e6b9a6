// After all specs: ends what global-setup.mjs started.
export default async function teardown() {
  await globalThis.nestjsDistributedTestPostgres?.stop();
}
