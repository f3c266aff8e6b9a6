/** The run's own folder below the system's temporary one: logs of the processes, gone at the end. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ServerDirectory } from '../servers/server-directory.js';

/** How much of a log an error message shows. */
const TAIL_LINES = 20;

/** Removed by `remove`, and by its guard when this process is killed; a log folder named by the user is kept. */
export class RunFolder {
  /** Letters and digits that no other run on this machine has. */
  readonly runId = `${process.pid.toString(36)}${Date.now().toString(36)}`;
  readonly #directory = ServerDirectory.create('run');
  readonly #logs: string;

  constructor(keepLogsIn?: string) {
    this.#logs = keepLogsIn ? resolve(keepLogsIn) : this.#directory.path;
    mkdirSync(this.#logs, { recursive: true });
  }

  /** The file that holds the output of a process. */
  logFile(name: string): string {
    return join(this.#logs, `${name}.log`);
  }

  /** The last lines that a process wrote. */
  logTail(name: string): string {
    try {
      const lines = readFileSync(this.logFile(name), 'utf8').trimEnd().split('\n');
      return lines.slice(-TAIL_LINES).join('\n');
    } catch {
      return '';
    }
  }

  /** Removes the folder and what is in it. */
  async remove(): Promise<void> {
    await this.#directory.remove();
  }
}
