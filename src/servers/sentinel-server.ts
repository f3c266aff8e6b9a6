/** One Redis Sentinel. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onFreePort } from './free-port.js';
import type { RedisBinary } from './redis-binary.js';
import { ServerDirectory } from './server-directory.js';
import { ServerProcess } from './server-process.js';

/** How many of the Sentinels must miss the master. */
const QUORUM = 2;
/** Short, because tests wait for it; production uses tens of seconds. */
const DOWN_AFTER_MS = 500;

/** A Sentinel process that watches one master. */
export class SentinelServer {
  readonly host = '127.0.0.1';
  readonly port: number;
  readonly #directory: ServerDirectory;
  readonly #process: ServerProcess;

  private constructor(port: number, directory: ServerDirectory, started: ServerProcess) {
    this.port = port;
    this.#directory = directory;
    this.#process = started;
  }

  /**
   * Starts a Sentinel for `master` under the name `name`.
   * @throws ServerStartError
   */
  static async start(
    binary: RedisBinary,
    name: string,
    master: { readonly host: string; readonly port: number },
  ): Promise<SentinelServer> {
    const directory = ServerDirectory.create('sentinel');
    try {
      return await onFreePort(async (port) => {
        // Sentinel keeps its state in this file, so it has to be writable and its own.
        const file = join(directory.path, 'sentinel.conf');
        await writeFile(file, configuration(port, name, master));
        const process = await ServerProcess.start({
          name: 'redis-sentinel',
          file: binary.file,
          env: binary.env,
          args: [file, '--sentinel'],
          ready: /\+monitor master/,
          stopSignal: 'SIGTERM',
          directory,
        });
        return new SentinelServer(port, directory, process);
      });
    } catch (error) {
      await directory.remove();
      throw error;
    }
  }

  /** Ends the Sentinel and deletes its state. */
  async stop(): Promise<void> {
    await this.#process.stop();
    await this.#directory.remove();
  }
}

function configuration(
  port: number,
  name: string,
  master: { readonly host: string; readonly port: number },
): string {
  return [
    `port ${port}`,
    'bind 127.0.0.1',
    `sentinel monitor ${name} ${master.host} ${master.port} ${QUORUM}`,
    `sentinel down-after-milliseconds ${name} ${DOWN_AFTER_MS}`,
    `sentinel failover-timeout ${name} 3000`,
    '',
  ].join('\n');
}
