// What `npm start`, `npm test`, `npm run bench` and `npm run build` do on a fresh clone: install when node_modules
// does not match the lock file, build, then run the command. Plain Node without dependencies.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const at = (...parts) => join(root, ...parts);

const COMMANDS = {
  bench: [at('test/bench/dist/main.js')],
  build: [],
  start: [at('dist/runner/main.js')],
  test: [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    at('node_modules/jest/bin/jest.js'),
  ],
  torture: [at('dist/torture/main.js')],
};

const [name, ...args] = process.argv.slice(2);
const command = COMMANDS[name];
if (!command) {
  process.stderr.write(`usage: bootstrap.mjs ${Object.keys(COMMANDS).join(' | ')} [arguments]\n`);
  process.exit(2);
}

await exclusively(() => {
  install('.');
  // The libraries to compare with; nothing else needs them, and nothing of theirs runs on install.
  if (name === 'bench') install('test/bench', '--ignore-scripts');
  build();
});
if (command.length > 0) process.exitCode = await handOver([...command, ...args]);

/** `npm ci` in a folder, when the installed tree is not that of its lock file. */
function install(folder, ...options) {
  const lock = createHash('sha256')
    .update(readFileSync(at(folder, 'package-lock.json')))
    .digest('hex');
  const stamp = at(folder, 'node_modules/.installed-lock');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  process.stdout.write(`Installing dependencies (npm ci in ${folder}) …\n`);
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error', ...options], {
    cwd: at(folder),
    shell: process.platform === 'win32',
  });
  writeFileSync(stamp, lock);
}

/** TypeScript project references, then the files tsc does not know. */
function build() {
  run(process.execPath, [at('node_modules/typescript/bin/tsc'), '-b']);
  for (const file of readdirSync(at('libs/distributed/src'), { recursive: true })) {
    if (file.endsWith('.lua'))
      copyIfNewer(at('libs/distributed/src', file), at('libs/distributed/dist', file));
  }
}

function copyIfNewer(source, target) {
  if (existsSync(target) && statSync(target).mtimeMs >= statSync(source).mtimeMs) return;
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(source, target);
}

/** Two runs started at the same moment must not install or build at the same time. */
async function exclusively(work) {
  const lock = at('.cache/bootstrap.lock');
  mkdirSync(at('.cache'), { recursive: true });
  for (;;) {
    try {
      mkdirSync(lock);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      if (isStale(lock)) rmSync(lock, { recursive: true, force: true });
      else await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
  const free = () => rmSync(lock, { recursive: true, force: true });
  process.once('exit', free);
  writeFileSync(join(lock, 'pid'), String(process.pid));
  work();
  process.off('exit', free);
  free();
}

/** The lock's owner died: its process is gone, or it never wrote its number. */
function isStale(lock) {
  try {
    process.kill(Number(readFileSync(join(lock, 'pid'), 'utf8')), 0);
    return false;
  } catch (error) {
    if (error.code !== 'ENOENT') return error.code === 'ESRCH';
    return Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()) > 5_000;
  }
}

/** Runs a step and ends this process with its code when it fails. */
function run(program, parameters, options = {}) {
  const result = spawnSync(program, parameters, { cwd: root, stdio: 'inherit', ...options });
  if (result.error) throw result.error;
  if (result.status !== 0) process.exit(result.status ?? 1);
}

/** Runs the command itself; it decides how to end, also on Ctrl-C, which the terminal sends to it too. */
function handOver(parameters) {
  const child = spawn(process.execPath, parameters, { cwd: process.cwd(), stdio: 'inherit' });
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  return new Promise((resolve) =>
    child.once('exit', (code, signal) => resolve(code ?? (signal ? 1 : 0))),
  );
}
