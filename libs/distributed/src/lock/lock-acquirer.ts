/** Gets locks: once, or by waiting in line. Per key and process only the first in line asks the store. */
import { LockBackendError, LockWaitTimeoutError } from './lock.errors.js';
import { type Grant, isGrant, type LockBackend, LockTicket } from './lock-ticket.js';
import { type Place, WaitingLine } from './waiting-line.js';

/** A lost wake-up costs at most this. */
const POLL_MS = 1_000;
/** How much of a pause is random, so that processes do not ask in step. */
const POLL_JITTER = 0.25;
/** A dead holder announces nothing: ask when its lease must be over, spread by up to this. */
const EXPIRY_JITTER_MS = 20;
const SHORTEST_POLL_MS = 10;
const FIRST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 250;

/** What is wanted. */
export interface LockRequest {
  /** For messages and metrics. */
  readonly name: string;
  /** The encoded key. */
  readonly key: string;
  readonly leaseMs: number;
  readonly signal: AbortSignal;
}

/** A line, and whether the store answered the last time its first waiter asked. */
interface Queue {
  readonly line: WaitingLine;
  backendError: LockBackendError | undefined;
}

/** One per application. */
export class LockAcquirer {
  readonly #queues = new Map<string, Queue>();

  constructor(private readonly backend: LockBackend) {}

  /**
   * One attempt; null when somebody else holds the lock.
   * @throws LockBackendError `E_LOCK_BACKEND`; the reason of the signal
   */
  async once(request: LockRequest): Promise<Grant | null> {
    const ticket = new LockTicket(this.backend, request.key, request.leaseMs);
    try {
      const answer = await ticket.attempt(request.signal);
      return isGrant(answer) ? answer : null;
    } catch (error) {
      ticket.abandon();
      throw error instanceof LockBackendError ? error.nothingRan : error;
    }
  }

  /**
   * Waits up to `waitMs`, plus at most one command that is under way.
   * @throws LockWaitTimeoutError `E_LOCK_WAIT_TIMEOUT` when somebody else held it all the time
   * @throws LockBackendError `E_LOCK_BACKEND` when the store did not answer; the reason of the signal
   */
  async wait(request: LockRequest, waitMs: number): Promise<Grant> {
    const queue = this.#queueOf(request.key);
    const place = queue.line.enter();
    const ticket = new LockTicket(this.backend, request.key, request.leaseMs);
    try {
      return await this.#waitInLine({ request, waitMs, queue, place, ticket });
    } catch (error) {
      ticket.abandon();
      throw error instanceof LockBackendError ? error.nothingRan : error;
    } finally {
      place.leave();
      if (queue.line.empty) this.#queues.delete(request.key);
    }
  }

  /** The key became free: its first waiter asks again. */
  freed(key: string): void {
    this.#queues.get(key)?.line.wake();
  }

  /** Announcements may have been missed: all first waiters ask again. */
  resync(): void {
    for (const { line } of this.#queues.values()) line.wake();
  }

  async #waitInLine(waiting: {
    request: LockRequest;
    waitMs: number;
    queue: Queue;
    place: Place;
    ticket: LockTicket;
  }): Promise<Grant> {
    const { request, waitMs, queue, place, ticket } = waiting;
    const { clock } = this.backend;
    const until = clock.now() + waitMs;
    for (let failures = 0; ;) {
      let pauseMs = Number.POSITIVE_INFINITY;
      if (place.first) {
        place.lookNow();
        const answer = await this.#ask(ticket, request.signal);
        if (isGrant(answer)) return answer;
        const { failure } = answer;
        queue.backendError = failure;
        failures = failure ? failures + 1 : 0;
        pauseMs = failure ? retryPause(failures) : this.#pollPause(answer.busyForMs);
      }
      const remainingMs = until - clock.now();
      if (remainingMs > 0) {
        await place.called(Math.min(pauseMs, remainingMs), clock, request.signal);
      }
      if (clock.now() >= until) {
        throw queue.backendError ?? new LockWaitTimeoutError(request.name, request.key, waitMs);
      }
    }
  }

  async #ask(
    ticket: LockTicket,
    signal: AbortSignal,
  ): Promise<Grant | { busyForMs: number; failure?: LockBackendError }> {
    try {
      return await ticket.attempt(signal);
    } catch (error) {
      if (!(error instanceof LockBackendError)) throw error;
      return { busyForMs: 0, failure: error };
    }
  }

  #pollPause(busyForMs: number): number {
    const random = this.backend.random.next();
    const poll = POLL_MS * (1 - POLL_JITTER * random);
    if (busyForMs < 0) return poll;
    return Math.max(SHORTEST_POLL_MS, Math.min(poll, busyForMs + 1 + EXPIRY_JITTER_MS * random));
  }

  #queueOf(key: string): Queue {
    let queue = this.#queues.get(key);
    if (!queue) {
      queue = { line: new WaitingLine(), backendError: undefined };
      this.#queues.set(key, queue);
    }
    return queue;
  }
}

function retryPause(failures: number): number {
  return Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LONGEST_RETRY_MS);
}
