/** One run of a server as child process: ready when its log says so. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { freezeTree, killTree, signal, thawTree } from './process-tree.js';
import type { ServerDirectory } from './server-directory.js';
import { ServerStartError } from './server.errors.js';

/** How to run a server. */
export interface ServerCommand {
  /** For messages: `redis-server`. */
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Runs as this user; for servers that refuse to run as root. */
  readonly identity?: { readonly uid: number; readonly gid: number };
  /** The log line after which connections are accepted. */
  readonly ready: RegExp;
  /** Asks the server to end. */
  readonly stopSignal: NodeJS.Signals;
  /** The data directory; its guard ends the server when this process dies. */
  readonly directory: ServerDirectory;
}

const START_DEADLINE_MS = 30_000;
const STOP_DEADLINE_MS = 5_000;
const LOG_KEPT = 8_000;

/** A running server process. */
export class ServerProcess {
  readonly #child: ChildProcess;
  readonly #command: ServerCommand;
  readonly #exited: Promise<void>;
  #log = '';

  private constructor(command: ServerCommand) {
    this.#command = command;
    // Detached: Ctrl-C in the terminal must not end a server before its clients.
    this.#child = spawn(command.file, command.args, {
      cwd: command.directory.path,
      env: command.env ?? process.env,
      ...command.identity,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    command.directory.watch(this.#child.pid);
    const keep = (chunk: Buffer): void => {
      this.#log = (this.#log + chunk.toString()).slice(-LOG_KEPT);
    };
    this.#child.stdout?.on('data', keep);
    this.#child.stderr?.on('data', keep);
    this.#exited = new Promise((resolve) => {
      const ended = (): void => {
        command.directory.watch(undefined);
        resolve();
      };
      this.#child.once('exit', ended);
      this.#child.once('error', ended);
    });
  }

  /**
   * Starts the server and waits until it is ready.
   * @throws ServerStartError with the end of the server's log
   */
  static async start(command: ServerCommand): Promise<ServerProcess> {
    const server = new ServerProcess(command);
    try {
      await server.#untilReady();
    } catch (error) {
      await server.kill();
      throw error;
    }
    server.#unref();
    return server;
  }

  /** Process id. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** False once the process has ended, for whatever reason. */
  get running(): boolean {
    return this.#child.pid !== undefined && !this.#ended;
  }

  /** The end of the server's log. */
  get log(): string {
    return this.#log;
  }

  /** Asks the server to end and waits for it; kills it after 5 s. */
  async stop(): Promise<void> {
    if (!this.running) return;
    this.#child.ref();
    thawTree(this.pid);
    signal(this.pid, this.#command.stopSignal);
    const patience = new AbortController();
    await Promise.race([
      this.#exited,
      delay(STOP_DEADLINE_MS, undefined, { signal: patience.signal }).catch(() => {}),
    ]);
    patience.abort();
    await this.kill();
  }

  /** SIGKILL to the server and its children; resolves when it has ended. */
  async kill(): Promise<void> {
    if (this.running) {
      this.#child.ref();
      killTree(this.pid);
    }
    await this.#exited;
  }

  /** SIGSTOP to the server and its children: connected, silent. Resolves when it stands still. */
  async freeze(): Promise<void> {
    freezeTree(this.pid);
    while (this.running && !isStopped(this.pid)) await delay(1);
  }

  /** SIGCONT: the server goes on with what it had received. */
  async thaw(): Promise<void> {
    thawTree(this.pid);
    while (this.running && isStopped(this.pid) === true) await delay(1);
  }

  get #ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** A server that nobody waits for does not keep this process alive. */
  #unref(): void {
    this.#child.unref();
    (this.#child.stdout as Socket | null)?.unref();
    (this.#child.stderr as Socket | null)?.unref();
  }

  #untilReady(): Promise<void> {
    const { name, ready } = this.#command;
    return new Promise((resolve, reject) => {
      const fail = (reason: string): void => {
        settle();
        reject(new ServerStartError(name, reason, this.#log));
      };
      const onData = (): void => {
        if (!ready.test(this.#log)) return;
        settle();
        resolve();
      };
      const onClose = (code: number | null, killer: string | null): void =>
        fail(`it ended with ${killer ?? `exit code ${code}`}`);
      const onError = (error: Error): void => fail(error.message);
      const timer = setTimeout(
        () => fail(`it was not ready after ${START_DEADLINE_MS} ms`),
        START_DEADLINE_MS,
      );
      const child = this.#child;
      const settle = (): void => {
        clearTimeout(timer);
        child.stdout?.off('data', onData);
        child.stderr?.off('data', onData);
        child.off('close', onClose);
        child.off('error', onError);
      };
      child.stdout?.on('data', onData);
      child.stderr?.on('data', onData);
      child.on('close', onClose);
      child.on('error', onError);
    });
  }
}

/** Whether the process stands still; true without looking where the system does not tell. */
function isStopped(pid: number): boolean | 'unknown' {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return /^[Tt]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return 'unknown';
  }
}
