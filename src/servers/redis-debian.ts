/** Redis from Debian packages, unpacked into a directory: no root, nothing installed. */
import { execFile } from 'node:child_process';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** For the slowest mirror; a missing network fails long before through apt's own timeouts. */
const STEP_DEADLINE_MS = 180_000;

/**
 * Downloads redis-server and those of its libraries that this machine lacks, and unpacks them.
 * @throws Error of apt-get or dpkg-deb
 */
export async function unpackDebianRedis(target: string, env: NodeJS.ProcessEnv): Promise<void> {
  const step = (command: string, args: readonly string[], cwd?: string): Promise<string> =>
    runStep(command, args, { cwd, env });
  const apt = join(target, '.apt');
  const packages = join(apt, 'packages');
  for (const folder of ['lists/partial', 'cache/archives/partial', 'packages'])
    await mkdir(join(apt, folder), { recursive: true });

  const options = [
    ...setting(`Dir::State::lists=${apt}/lists`),
    ...setting(`Dir::Cache=${apt}/cache`),
    ...setting('Debug::NoLocking=1'),
    // Root would otherwise hand the download to a user who may not write here.
    ...setting('APT::Sandbox::User=root'),
    ...setting('Acquire::Retries=2'),
    ...setting('Acquire::http::Timeout=20'),
    '-qq',
  ];
  await step('apt-get', [...options, 'update']);
  const plan = ['install', '--print-uris', '--no-install-recommends', 'redis-server'];
  const uris = await step('apt-get', [...options, ...plan]);
  const missing = [...uris.matchAll(/^'\S+' ([^_\s]+)_/gm)].map((match) => match[1] ?? '');
  // Named in any case: installed but unreachable packages are not part of apt's plan.
  const names = new Set(['redis-server', 'redis-tools', ...missing]);
  await step('apt-get', [...options, 'download', ...names], packages);
  for (const file of await readdir(packages))
    await step('dpkg-deb', ['-x', join(packages, file), target]);
  for (const useless of ['.apt', 'etc', 'lib', 'var', 'usr/share'])
    await rm(join(target, useless), { recursive: true, force: true });
}

function setting(value: string): string[] {
  return ['-o', value];
}

async function runStep(
  command: string,
  args: readonly string[],
  where: { cwd: string | undefined; env: NodeJS.ProcessEnv },
): Promise<string> {
  const limits = { timeout: STEP_DEADLINE_MS, maxBuffer: 16_000_000 };
  try {
    return (await run(command, args, { ...where, ...limits })).stdout;
  } catch (error) {
    const stderr = (error as { stderr?: string }).stderr?.trim();
    throw new Error(`${command} failed: ${stderr || (error as Error).message}`, { cause: error });
  }
}
