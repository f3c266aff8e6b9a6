/** The workspace's own servers: the compiled runner, found at run time. */
import type * as Servers from '../../../../src/servers/index.js';

/** A server that can also be frozen and thawed. */
export type RedisServer = Servers.RedisServer;

/** A Redis of our own on a free port, with its version. */
export async function startRedis(): Promise<{ server: RedisServer; version: string }> {
  // The runner is an application, not a package: it has no name to import it by.
  const compiled = new URL('../../../../dist/runner/servers/index.js', import.meta.url);
  const { RedisServer, findRedisBinary } = (await import(compiled.href)) as typeof Servers;
  const binary = await findRedisBinary();
  return { server: await RedisServer.start({ binary }), version: binary.version };
}
