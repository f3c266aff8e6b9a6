/** HTTP load with keep-alive, bounded concurrency and a deadline that the client itself keeps. */
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { performance } from 'node:perf_hooks';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';

/** One request; `subject` is whatever the scenario wants to find again beside the answer. */
export interface LoadRequest<T = undefined> {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly path: string;
  readonly body?: object;
  readonly subject: T;
}

/** What the client saw of one request. Times are milliseconds on this process' monotonic clock. */
export interface LoadAnswer<T = undefined> {
  readonly subject: T;
  /** `answered`: an HTTP answer of any status; `failed`: no answer, connection lost; `hung`: nothing within the deadline. */
  readonly outcome: 'answered' | 'failed' | 'hung';
  /** HTTP status, 0 without an answer. */
  readonly status: number;
  /** Decoded JSON of an answer, otherwise undefined. */
  readonly body: unknown;
  readonly sentAt: number;
  readonly latencyMs: number;
}

/** How a series of requests is sent. */
export interface LoadOptions {
  /** Requests in flight at once, at most. */
  readonly concurrency: number;
  /** Sends no earlier than this many milliseconds after the one before; 0 = as fast as answers come. */
  readonly everyMs?: number;
  /** Ends the series early: no new requests once aborted; those in flight are awaited. */
  readonly until?: AbortSignal;
  /** Called after each answer. */
  readonly onAnswer?: (answered: number) => void;
}

/** How long the client waits for an answer before it calls a request hung. */
export const CLIENT_DEADLINE_MS = 10_000;

/** Sends requests to one origin; `signal` cancels everything at once (the user pressed Ctrl-C). */
export class LoadGenerator {
  readonly #origin: URL;
  readonly #signal: AbortSignal | undefined;
  readonly #deadlineMs: number;
  // Idle sockets are dropped well before the server's own keep-alive limit (5 s), so that a race
  // between the two never looks like a failure of the shop.
  readonly #agent = new Agent({ keepAlive: true, scheduling: 'lifo', timeout: 2_000 });

  constructor(origin: string, options: { deadlineMs?: number; signal?: AbortSignal } = {}) {
    this.#origin = new URL(origin);
    this.#deadlineMs = options.deadlineMs ?? CLIENT_DEADLINE_MS;
    this.#signal = options.signal;
  }

  /** Sends all requests and resolves with the answers in order of arrival. Rejects only when cancelled. */
  async run<T>(requests: Iterable<LoadRequest<T>>, options: LoadOptions): Promise<LoadAnswer<T>[]> {
    const { concurrency, everyMs = 0, until, onAnswer } = options;
    const source = requests[Symbol.iterator]();
    const answers: LoadAnswer<T>[] = [];
    const startedAt = performance.now();
    let taken = 0;
    const worker = async (): Promise<void> => {
      while (!until?.aborted) {
        const next = source.next();
        if (next.done) return;
        const wait = startedAt + taken++ * everyMs - performance.now();
        if (wait > 0) await delay(wait, undefined, { signal: this.#signal });
        if (until?.aborted) return;
        answers.push(await this.send(next.value));
        onAnswer?.(answers.length);
      }
    };
    await Promise.all(Array.from({ length: concurrency }, worker));
    return answers;
  }

  /** Sends one request; an error of the network is an answer too. Rejects only when cancelled. */
  async send<T>(request: LoadRequest<T>): Promise<LoadAnswer<T>> {
    this.#signal?.throwIfAborted();
    const sentAt = performance.now();
    const deadline = AbortSignal.timeout(this.#deadlineMs);
    const signal = this.#signal ? AbortSignal.any([deadline, this.#signal]) : deadline;
    const seen = await this.#exchange(request, signal).catch(() => {
      this.#signal?.throwIfAborted();
      const outcome = deadline.aborted ? ('hung' as const) : ('failed' as const);
      return { outcome, status: 0, body: undefined };
    });
    return { subject: request.subject, ...seen, sentAt, latencyMs: performance.now() - sentAt };
  }

  /** Drops the idle connections. */
  close(): void {
    this.#agent.destroy();
  }

  async #exchange(
    { method, path, body }: LoadRequest<unknown>,
    signal: AbortSignal,
  ): Promise<{ outcome: 'answered'; status: number; body: unknown }> {
    const payload = body && JSON.stringify(body);
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      httpRequest(new URL(path, this.#origin), {
        method,
        agent: this.#agent,
        signal,
        headers: payload ? { 'content-type': 'application/json' } : {},
      })
        .once('response', resolve)
        .once('error', reject)
        .end(payload);
    });
    const content = await text(response);
    return { outcome: 'answered', status: response.statusCode ?? 0, body: decode(content) };
  }
}

function decode(content: string): unknown {
  try {
    return JSON.parse(content) as unknown;
  } catch {
    return undefined;
  }
}
