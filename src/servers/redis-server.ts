/** A standalone Redis server of our own: free port, throw-away data, as fast to make as a fixture. */
import { onFreePort } from './free-port.js';
import { findRedisBinary, type RedisBinary } from './redis-binary.js';
import { ServerDirectory } from './server-directory.js';
import { type ServerCommand, ServerProcess } from './server-process.js';

/** How to start a `RedisServer`. */
export interface RedisServerOptions {
  /** Keep acknowledged writes over kill and restart (append-only file, synced always). Default false. */
  readonly durable?: boolean;
  /** More arguments: `['--maxmemory', '10mb']`. */
  readonly args?: readonly string[];
  /** Default: `findRedisBinary()`. */
  readonly binary?: RedisBinary;
}

/** A server process that can be stopped, killed, frozen and restarted on the same port. */
export class RedisServer {
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
   * Starts a server on a free port of 127.0.0.1.
   * @throws ServerMissingError, ServerStartError
   */
  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    const binary = options.binary ?? (await findRedisBinary());
    const directory = ServerDirectory.create('redis');
    try {
      return await onFreePort(async (port) => {
        const command = commandOf(port, binary, directory, options);
        return new RedisServer(port, command, await ServerProcess.start(command));
      });
    } catch (error) {
      await directory.remove();
      throw error;
    }
  }

  /** `redis://127.0.0.1:<port>` */
  get url(): string {
    return `redis://${this.host}:${this.port}`;
  }

  /** Process id of the present run. */
  get pid(): number {
    return this.#process.pid;
  }

  /** False after `stop`, `kill` or a crash. */
  get running(): boolean {
    return this.#process.running;
  }

  /** Ends the server and deletes its data. */
  async stop(): Promise<void> {
    await this.#process.stop();
    await this.#command.directory.remove();
  }

  /** SIGKILL; `restart` brings it back. Without `durable` its data is gone. */
  async kill(): Promise<void> {
    await this.#process.kill();
  }

  /** Starts again on the same port, after an orderly stop when it still runs. */
  async restart(): Promise<void> {
    await this.#process.stop();
    this.#process = await ServerProcess.start(this.#command);
  }

  /** SIGSTOP: connections stay open, no reply comes. */
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

function commandOf(
  port: number,
  binary: RedisBinary,
  directory: ServerDirectory,
  options: RedisServerOptions,
): ServerCommand {
  const network = ['--port', String(port), '--bind', '127.0.0.1'];
  const durability = options.durable
    ? ['--appendonly', 'yes', '--appendfsync', 'always']
    : ['--appendonly', 'no'];
  return {
    name: 'redis-server',
    file: binary.file,
    env: binary.env,
    args: [
      ...network,
      '--dir',
      directory.path,
      '--save',
      '',
      ...durability,
      ...(options.args ?? []),
    ],
    ready: /Ready to accept connections/,
    stopSignal: 'SIGTERM',
    directory,
  };
}
