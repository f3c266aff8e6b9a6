/** A shell that outlives this process for one purpose. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';

/**
 * Starts `script` with `args` as `$1…`. Its input ends when this process is gone, however it went
 * (SIGKILL too), or when `dismiss` says `done`; it keeps neither this process nor a folder busy.
 */
export function startGuard(name: string, script: string, ...args: readonly string[]): ChildProcess {
  const guard = spawn('/bin/sh', ['-c', script, name, ...args], {
    cwd: '/',
    // Ctrl-C in the terminal must not reach it.
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guard.on('error', () => {});
  guard.stdin?.on('error', () => {});
  guard.unref();
  (guard.stdin as Socket | null)?.unref();
  return guard;
}

/** Tells a guard that there is nothing left to do. */
export function dismiss(guard: ChildProcess | undefined): void {
  guard?.stdin?.end('done\n');
}
