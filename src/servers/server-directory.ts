/** A server's throw-away data directory, with a guard that outlives this process for one purpose. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dismiss, startGuard } from './process-guard.js';

/**
 * Reads the server's pid, or `-` for none, line by line. The end of its input means that our process
 * is gone, however it went (SIGKILL too): it then kills the server and removes the directory.
 */
const GUARD = `
while read -r line; do
  [ "$line" = done ] && exit 0
  pid=$line
done
if [ "\${pid:--}" != - ]; then
  kill -STOP "$pid"
  children=$(cat "/proc/$pid/task/$pid/children" || pgrep -P "$pid")
  kill -KILL "$pid" $children
  sleep 0.1
fi
rm -rf -- "$1" || { sleep 1; rm -rf -- "$1"; }
`;

/** Made by `ServerDirectory.create`; `remove` it when the server has ended. */
export class ServerDirectory {
  /** Absolute path. */
  readonly path: string;
  readonly #guard: ChildProcess | undefined;

  private constructor(path: string) {
    this.path = path;
    // Windows has no sh; there the system's temporary directory keeps what a killed run left.
    if (process.platform !== 'win32') this.#guard = startGuard('server-guard', GUARD, path);
  }

  /** A new directory below the system's temporary directory. */
  static create(name: string): ServerDirectory {
    // Not asynchronous: this process could be ended between the directory and its guard.
    return new ServerDirectory(mkdtempSync(join(tmpdir(), `nestjs-distributed-${name}-`)));
  }

  /** Tells the guard which process works in the directory; `undefined` when it has ended. */
  watch(pid: number | undefined): void {
    this.#guard?.stdin?.write(`${pid ?? '-'}\n`);
  }

  /** Deletes the directory and dismisses the guard. */
  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true, maxRetries: 5 });
    const guard = this.#guard;
    if (!guard || guard.exitCode !== null || guard.signalCode !== null) return;
    guard.ref();
    const ended = once(guard, 'exit');
    dismiss(guard);
    await ended;
  }
}
