/** Signals to a server and to the processes it forked. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** The processes `pid` has forked and that still run; PostgreSQL has one for each connection. */
export function childrenOf(pid: number): number[] {
  try {
    return numbers(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8'));
  } catch {
    // Not Linux, or a kernel without that file.
    const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' });
    return (stdout ?? '')
      .split('\n')
      .map(numbers)
      .flatMap(([child, parent]) => (parent === pid && child !== undefined ? [child] : []));
  }
}

/** Sends a signal; a process that is already gone is not an error. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Stops a process and its children where they are. The parent first, so that no new child appears. */
export function freezeTree(pid: number): void {
  signal(pid, 'SIGSTOP');
  for (const child of childrenOf(pid)) signal(child, 'SIGSTOP');
}

/** Lets a frozen process and its children run on. */
export function thawTree(pid: number): void {
  for (const child of childrenOf(pid)) signal(child, 'SIGCONT');
  signal(pid, 'SIGCONT');
}

/** Ends a process and its children at once, as a power cut would. */
export function killTree(pid: number): void {
  signal(pid, 'SIGSTOP');
  const children = childrenOf(pid);
  signal(pid, 'SIGKILL');
  for (const child of children) signal(child, 'SIGKILL');
}

function numbers(text: string): number[] {
  return text
    .trim()
    .split(/\s+/)
    .filter((word) => word !== '')
    .map(Number);
}
