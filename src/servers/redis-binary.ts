/** Where a Redis server comes from: this machine, or a private copy that needs no root. */
import { execFile } from 'node:child_process';
import {
  access,
  constants,
  mkdir,
  mkdtemp,
  readdir,
  readlink,
  rename,
  rm,
  rmdir,
  symlink,
} from 'node:fs/promises';
import { basename, delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { unpackDebianRedis } from './redis-debian.js';
import { ServerMissingError } from './server.errors.js';
import { workspaceRoot } from './workspace-root.js';

const run = promisify(execFile);

/** The link to the copy in use, inside the cache. */
const CURRENT = 'current';

/** A Redis (or Valkey) server that can be started. */
export interface RedisBinary {
  readonly file: string;
  readonly env: NodeJS.ProcessEnv;
  /** `7.0.15` */
  readonly version: string;
  /** Where it came from, for people: `PATH (/usr/bin/redis-server)`. */
  readonly origin: string;
}

/** Where to look; the defaults are the environment and the workspace's own cache. */
export interface RedisBinaryOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** Default `<workspace>/.cache/redis`. */
  readonly cache?: string;
}

/**
 * Finds a server: `REDIS_BIN`, `redis-server` or `valkey-server` on PATH, the private copy in the
 * cache, else makes that copy from Debian packages. Several processes may do so at the same time.
 * @throws ServerMissingError that names what to install
 */
export async function findRedisBinary(options: RedisBinaryOptions = {}): Promise<RedisBinary> {
  const env = options.env ?? process.env;
  if (env['REDIS_BIN']) return named(env['REDIS_BIN'], env);
  for (const file of await onPath(['redis-server', 'valkey-server'], env)) {
    const found = await usable(file, env, `PATH (${file})`);
    if (found) return found;
  }
  const cache = options.cache ?? join(workspaceRoot(), '.cache', 'redis');
  return (await cached(cache, env)) ?? (await provision(cache, env));
}

async function named(file: string, env: NodeJS.ProcessEnv): Promise<RedisBinary> {
  const found = await usable(file, env, `REDIS_BIN (${file})`);
  if (found) return found;
  throw new ServerMissingError(`REDIS_BIN=${file} is not a Redis server that runs here.`);
}

async function provision(cache: string, env: NodeJS.ProcessEnv): Promise<RedisBinary> {
  let cause: unknown;
  try {
    await mkdir(cache, { recursive: true });
    const copy = await mkdtemp(join(cache, 'copy-'));
    try {
      await unpackDebianRedis(copy, env);
    } catch (error) {
      await rm(copy, { recursive: true, force: true });
      throw error;
    }
    await publish(copy, cache, env);
    const found = await cached(cache, env);
    if (found) return found;
  } catch (error) {
    cause = error;
    await rmdir(cache).catch(() => {});
  }
  const reason = cause instanceof Error ? ` (${cause.message})` : '';
  throw new ServerMissingError(
    'No Redis server found, and none could be unpacked from Debian packages' +
      `${reason}. Install redis-server or valkey-server (apt-get install redis-server, brew install ` +
      'redis), or set REDIS_BIN to a server binary; to run against an existing server, for example ' +
      '`docker run -p 6379:6379 redis:7`, set REDIS_URL.',
    { cause },
  );
}

/**
 * Points the cache at `copy`, unless another process has pointed it at a working one. The link is
 * replaced by a rename, so there is no instant at which somebody else finds nothing.
 */
async function publish(copy: string, cache: string, env: NodeJS.ProcessEnv): Promise<void> {
  const current = join(cache, CURRENT);
  if (await cached(cache, env)) return rm(copy, { recursive: true, force: true });
  const broken = await readlink(current).catch(() => undefined);
  const link = join(copy, CURRENT);
  await symlink(basename(copy), link);
  await rename(link, current);
  if (broken) await rm(join(cache, broken), { recursive: true, force: true });
}

async function cached(cache: string, env: NodeJS.ProcessEnv): Promise<RedisBinary | undefined> {
  const copy = join(cache, CURRENT, 'usr');
  const lib = join(copy, 'lib');
  const folders = (await readdir(lib).catch(() => [])).map((name) => join(lib, name));
  const path = [...folders, env['LD_LIBRARY_PATH']].filter(Boolean).join(':');
  const file = join(copy, 'bin', 'redis-server');
  return usable(file, { ...env, LD_LIBRARY_PATH: path }, `private copy (${cache})`);
}

async function onPath(names: readonly string[], env: NodeJS.ProcessEnv): Promise<string[]> {
  const folders = (env['PATH'] ?? '').split(delimiter).filter(Boolean);
  const files = names.flatMap((name) => folders.map((folder) => join(folder, name)));
  const checks = files.map((file) =>
    access(file, constants.X_OK).then(
      () => [file],
      () => [],
    ),
  );
  return (await Promise.all(checks)).flat();
}

async function usable(
  file: string,
  env: NodeJS.ProcessEnv,
  origin: string,
): Promise<RedisBinary | undefined> {
  try {
    const { stdout } = await run(file, ['--version'], { env, timeout: 10_000 });
    return { file, env, version: /v=(\S+)/.exec(stdout)?.[1] ?? 'unknown', origin };
  } catch {
    return undefined;
  }
}
