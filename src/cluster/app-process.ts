/** One process of the shop: fork, wait until it is ready, stop, kill, restart after a crash. */
import { type ChildProcess, fork } from 'node:child_process';
import { appendFileSync, closeSync, openSync } from 'node:fs';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { dismiss, startGuard } from '../servers/process-guard.js';

/** What to run. */
export interface AppProcessSpec {
  /** Name of the replica, such as `orders-1`. */
  readonly name: string;
  /** The compiled `main.js`. */
  readonly entry: string;
  readonly env: Readonly<Record<string, string>>;
  /** Receives standard output and error. */
  readonly logFile: string;
}

/** Booting six processes on a busy machine takes its time. */
const READY_LIMIT_MS = 60_000;
/** A process that ignores SIGTERM for this long is killed. */
const STOP_LIMIT_MS = 8_000;
/** Pause before a crashed process is started again, as an orchestrator would. */
const RESTART_DELAY_MS = 300;

/** Thaws a frozen process when the runner is gone: nothing else would ever end it. */
const LIFELINE = 'read -r line; [ "$line" = done ] || kill -CONT "$1"';

/** Supervises one process; only exits nobody asked for count as crashes. */
export class AppProcess {
  readonly #spec: AppProcessSpec;
  #child: ChildProcess | undefined;
  #wanted = false;
  #boot: Promise<void> = Promise.resolve();
  #crashes = 0;
  #lifeline: ChildProcess | undefined;

  constructor(spec: AppProcessSpec) {
    this.#spec = spec;
  }

  /** How often the process ended without being asked to. */
  get crashes(): number {
    return this.#crashes;
  }

  /** The current process id, while there is one. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Starts the process and resolves when it says that it is ready. Rejects when it ends before. */
  start(): Promise<void> {
    this.#wanted = true;
    this.#boot = this.#launch();
    return this.#boot;
  }

  /** Resolves when the process is ready, also after a crash that is being repaired. */
  ready(): Promise<void> {
    return this.#boot;
  }

  /** SIGKILL; resolves when the process is gone. Not a crash: somebody asked for it. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** SIGTERM, and SIGKILL if that does not help; resolves when the process is gone. */
  async stop(): Promise<void> {
    const stubborn = setTimeout(() => this.#child?.kill('SIGKILL'), STOP_LIMIT_MS);
    await this.#end('SIGTERM').finally(() => clearTimeout(stubborn));
  }

  /** SIGSTOP: the process stands still until `thaw`, or until this one ends. */
  freeze(): void {
    const child = this.#child;
    if (!child?.pid || hasEnded(child)) return;
    this.#lifeline ??= startGuard('app-lifeline', LIFELINE, String(child.pid));
    child.kill('SIGSTOP');
  }

  /** SIGCONT; without `freeze` it changes nothing. */
  thaw(): void {
    this.#child?.kill('SIGCONT');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    this.#wanted = false;
    const child = this.#child;
    if (!child || hasEnded(child)) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    // A process that stands still does not hear SIGTERM.
    child.kill('SIGCONT');
    await gone;
  }

  async #launch(): Promise<void> {
    const { name, entry, env, logFile } = this.#spec;
    const log = openSync(logFile, 'a');
    const child = fork(entry, [], {
      env: { ...process.env, ...env },
      // Not the flags of this process: the apps run as they do in production.
      execArgv: [],
      stdio: ['ignore', log, log, 'ipc'],
      // Own process group: Ctrl-C reaches the runner alone, which ends the apps in order. Should the
      // runner be killed, its end of the channel closes and the apps end by themselves.
      detached: true,
    });
    closeSync(log);
    this.#child = child;
    child.once('exit', (code, signal) => {
      if (this.#child === child) {
        dismiss(this.#lifeline);
        this.#lifeline = undefined;
      }
      if (!this.#wanted || this.#child !== child) return;
      this.#crashes++;
      appendFileSync(logFile, `--- ${name} crashed (${signal ?? `code ${code}`})\n`);
      this.#boot = delay(RESTART_DELAY_MS).then(() => (this.#wanted ? this.#launch() : undefined));
      // Whoever asks for `ready` hears of the failure; until then it is nobody's.
      this.#boot.catch(() => {});
    });
    await ready(child, name);
  }
}

/** Resolves on the message `{ type: 'ready' }`; rejects when the process ends or takes too long. */
function ready(child: ChildProcess, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => settle(new Error(`${name} is not ready after ${READY_LIMIT_MS} ms.`)),
      READY_LIMIT_MS,
    );
    const onMessage = (message: unknown): void => {
      if ((message as { type?: unknown } | null)?.type === 'ready') settle();
    };
    const onExit = (code: number | null, signal: string | null): void =>
      settle(new Error(`${name} ended before it was ready (${signal ?? `code ${code}`}).`));
    const settle = (error?: Error): void => {
      clearTimeout(timer);
      child.off('message', onMessage).off('exit', onExit).off('error', settle);
      if (error) reject(error);
      else resolve();
    };
    child.on('message', onMessage).once('exit', onExit).once('error', settle);
  });
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
}
