/** A process under torture: called over IPC, frozen and killed by signal. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { dismiss, startGuard } from '#servers';
import type { ChildCall, ChildMessage } from './child-server.js';

const CALL_DEADLINE_MS = 30_000;

/**
 * Kills the process unless told that it is done. The end of its input means that the parent is
 * gone, however it went: a process that stands still could not notice by itself.
 */
const GUARD = 'read -r line; [ "$line" = done ] || kill -KILL "$1"';

/** The methods of `T`, each of which may be called from outside its process. */
type Method<T> = {
  [K in keyof T]: T[K] extends (...args: never[]) => unknown ? K : never;
}[keyof T];
type Arguments<F> = F extends (...args: infer A) => unknown ? A : never;
type Answer<F> = F extends (...args: never[]) => infer R ? Awaited<R> : never;

/** Runs a file whose process serves the methods of `T`. */
export class Child<T> {
  /** Rejections and exceptions nobody handled, with their stacks. */
  readonly unhandled: string[] = [];
  readonly #process: ChildProcess;
  readonly #calls = new Map<number, (message: ChildMessage) => void>();
  readonly #listeners = new Set<(event: unknown) => void>();
  readonly #exited: Promise<unknown>;
  #nextId = 0;
  #frozen = false;
  #guard: ChildProcess | undefined;
  #expected = false;

  /** @param file compiled module that calls `serveParent` */
  constructor(
    readonly name: string,
    file: URL,
  ) {
    this.#process = fork(file, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.#process.on('message', (message: ChildMessage) => this.#receive(message));
    this.#process.on('error', () => {});
    this.#exited = once(this.#process, 'exit').then(([code, signal]) => {
      if (!this.#expected) this.unhandled.push(`${name} ended by itself: ${signal ?? code}`);
      for (const [id, settle] of this.#calls) settle({ id, error: `${name} is gone` });
    });
    process.once('exit', this.#onParentExit);
  }

  /** Whether the process lives. */
  get alive(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** Whether the process stands still. */
  get frozen(): boolean {
    return this.#frozen;
  }

  /**
   * Calls a method of the child.
   * @throws Error the child's error, or that it is gone, or that it did not answer for 30 s
   */
  async call<K extends Method<T>>(method: K, ...args: Arguments<T[K]>): Promise<Answer<T[K]>> {
    if (!this.alive) throw new Error(`${this.name} is gone`);
    const id = this.#nextId++;
    const message = await new Promise<ChildMessage>((resolve) => {
      const late = `${this.name} did not answer '${String(method)}'`;
      const timer = setTimeout(() => settle({ id, error: late }), CALL_DEADLINE_MS);
      const settle = (reply: ChildMessage): void => {
        clearTimeout(timer);
        this.#calls.delete(id);
        resolve(reply);
      };
      this.#calls.set(id, settle);
      const call: ChildCall = { id, method: String(method), args };
      this.#process.send(call, (error) => error && settle({ id, error: error.message }));
    });
    if ('error' in message) throw new Error(message.error);
    return ('value' in message ? message.value : undefined) as Answer<T[K]>;
  }

  /** Calls `listener` with each event the child emits. */
  onEvent(listener: (event: unknown) => void): void {
    this.#listeners.add(listener);
  }

  /** SIGSTOP. */
  freeze(): void {
    this.#guard ??= startGuard('torture-guard', GUARD, String(this.#process.pid));
    this.#frozen = this.#process.kill('SIGSTOP');
  }

  /** SIGCONT. */
  thaw(): void {
    this.#process.kill('SIGCONT');
    this.#frozen = false;
  }

  /** SIGKILL; resolves when the process has ended. Idempotent. */
  async kill(): Promise<void> {
    this.#expected = true;
    this.#process.kill('SIGKILL');
    if (this.alive) await this.#exited;
    dismiss(this.#guard);
    process.off('exit', this.#onParentExit);
  }

  readonly #onParentExit = (): void => {
    this.#process.kill('SIGKILL');
  };

  #receive(message: ChildMessage): void {
    if ('unhandled' in message) this.unhandled.push(`${this.name}: ${message.unhandled}`);
    else if ('event' in message) for (const listener of this.#listeners) listener(message.event);
    else this.#calls.get(message.id)?.(message);
  }
}
