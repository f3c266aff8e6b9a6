/** A PostgreSQL server of our own: free port, throw-away data, two-phase commit switched on. */
import { execFile } from 'node:child_process';
import { chown, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { onFreePort } from './free-port.js';
import {
  findPostgresBinary,
  type Identity,
  type PostgresBinary,
  postgresIdentity,
} from './postgres-binary.js';
import { ServerDirectory } from './server-directory.js';
import { type ServerCommand, ServerProcess } from './server-process.js';

const run = promisify(execFile);

/** How to start a `PostgresServer`. */
export interface PostgresServerOptions {
  /** Server settings beside ours: `{ statement_timeout: '1s' }`. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** For tests and demonstrations: anybody on this machine may connect. */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '300',
  max_prepared_transactions: '100',
  // Nothing here has to survive a power cut. A commit must survive SIGKILL of the server, though, so
  // synchronous_commit stays on: without it acknowledged commits would still be in its memory.
  fsync: 'off',
  full_page_writes: 'off',
};

/** A server process that can be stopped, killed, frozen and restarted on the same port. */
export class PostgresServer {
  readonly host = '127.0.0.1';
  readonly port: number;
  readonly #command: ServerCommand;
  #process: ServerProcess;

  private constructor(port: number, command: ServerCommand, started: ServerProcess) {
    this.port = port;
    this.#command = command;
    this.#process = started;
  }

  /**
   * Makes a database cluster and starts a server on a free port of 127.0.0.1 (about half a second).
   * @throws ServerMissingError, ServerStartError
   */
  static async start(options: PostgresServerOptions = {}): Promise<PostgresServer> {
    const directory = ServerDirectory.create('postgres');
    try {
      const identity = await postgresIdentity();
      if (identity) await chown(directory.path, identity.uid, identity.gid);
      const binary = await findPostgresBinary(join(directory.path, 'binaries'), identity);
      await initialise(binary, directory, identity);
      return await onFreePort(async (port) => {
        const command = commandOf(port, binary, directory, { ...options, identity });
        return new PostgresServer(port, command, await ServerProcess.start(command));
      });
    } catch (error) {
      await directory.remove();
      throw error;
    }
  }

  /** Address of the database `postgres`. */
  get url(): string {
    return this.urlOf('postgres');
  }

  /** Address of a database of this server. */
  urlOf(database: string): string {
    return `postgres://postgres@${this.host}:${this.port}/${database}`;
  }

  /** Process id of the postmaster. */
  get pid(): number {
    return this.#process.pid;
  }

  /** False after `stop`, `kill` or a crash. */
  get running(): boolean {
    return this.#process.running;
  }

  /** Ends the server, its sessions included, and deletes its data. */
  async stop(): Promise<void> {
    await this.#process.stop();
    await this.#command.directory.remove();
  }

  /** SIGKILL to the server and all its sessions; `restart` recovers what was committed. */
  async kill(): Promise<void> {
    await this.#process.kill();
  }

  /** Starts again on the same port, after an orderly stop when it still runs. */
  async restart(): Promise<void> {
    await this.#process.stop();
    // Left by a killed server. Its pid may belong to somebody else by now, who would be respected.
    await rm(join(dataOf(this.#command.directory), 'postmaster.pid'), { force: true });
    this.#process = await ServerProcess.start(this.#command);
  }

  /** SIGSTOP to the server and all its sessions: connections stay open, no reply comes. */
  async freeze(): Promise<void> {
    await this.#process.freeze();
  }

  /** SIGCONT: executes what arrived meanwhile. */
  async thaw(): Promise<void> {
    await this.#process.thaw();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

function dataOf(directory: ServerDirectory): string {
  return join(directory.path, 'data');
}

async function initialise(
  binary: PostgresBinary,
  directory: ServerDirectory,
  identity: Identity | undefined,
): Promise<void> {
  const args = ['-D', dataOf(directory), '-U', 'postgres', '--auth=trust', '-E', 'UTF8'];
  await run(binary.initdb, [...args, '--locale=C', '--no-sync', '--no-instructions'], {
    ...identity,
    cwd: directory.path,
  });
}

function commandOf(
  port: number,
  binary: PostgresBinary,
  directory: ServerDirectory,
  options: PostgresServerOptions & { readonly identity: Identity | undefined },
): ServerCommand {
  const settings = Object.entries({ ...SETTINGS, ...options.settings });
  return {
    name: 'postgres',
    file: binary.postgres,
    args: [
      '-D',
      dataOf(directory),
      '-p',
      String(port),
      ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    ...(options.identity ? { identity: options.identity } : {}),
    ready: /ready to accept connections/,
    // Fast shutdown: sessions are ended, not waited for.
    stopSignal: 'SIGINT',
    directory,
  };
}
