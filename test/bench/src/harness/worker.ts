/** Competitors in processes of their own. */
import { type ChildProcess, fork } from 'node:child_process';

interface Question {
  readonly id: number;
  readonly job: object;
}

interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

interface Asker {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** A process that does jobs. `J` is what it can be asked for, `A` what it answers. */
export class BenchWorker<J extends object, A> {
  readonly #child: ChildProcess;
  readonly #askers = new Map<number, Asker>();
  #asked = 0;

  /** @param module calls `answerTo` */
  constructor(module: URL) {
    this.#child = fork(module, { serialization: 'advanced' });
    this.#child.on('message', (message) => this.#settle(message as Answer));
    this.#child.on('exit', (code, signal) => {
      const error = new Error(`a worker ended with ${signal ?? `code ${code}`}`);
      for (const { reject } of this.#askers.values()) reject(error);
    });
  }

  /** @throws Error what the job threw, or that the process has ended */
  ask(job: J): Promise<A> {
    const id = ++this.#asked;
    return new Promise<A>((resolve, reject) => {
      this.#askers.set(id, { resolve: (value) => resolve(value as A), reject });
      this.#child.send({ id, job } satisfies Question);
    });
  }

  /** Ends the process at once, whatever it waits for. */
  stop(): void {
    this.#child.kill('SIGKILL');
  }

  #settle({ id, value, error }: Answer): void {
    const asker = this.#askers.get(id);
    this.#askers.delete(id);
    if (error === undefined) asker?.resolve(value);
    else asker?.reject(new Error(error));
  }
}

/** The worker's side: answers each question with what `work` returns. */
export function answerTo<J extends object, A>(work: (job: J) => Promise<A>): void {
  const send = (answer: Answer): void => {
    process.send?.(answer);
  };
  process.on('message', (message) => {
    const { id, job } = message as Question;
    work(job as J).then(
      (value) => send({ id, value }),
      (error: unknown) =>
        send({ id, error: error instanceof Error ? String(error.stack) : String(error) }),
    );
  });
  // The bench is gone: nobody waits for an answer.
  process.on('disconnect', () => process.exit());
}
