/** Measures how late the signal of a lost lock is, beside a plain timer for the same instant. */
import type { Lock } from 'nestjs-distributed';
import type { LossTiming } from './worker-contract.js';

const SAMPLE_MS = 10;
/** Deadlines that differ by less are the same one, computed twice. */
const SAME_MS = 0.5;

/** Watches one lock from its acquisition. */
export class LossWatch {
  #deadline = 0;
  #abortedAt: number | undefined;
  #plainTimer: NodeJS.Timeout | undefined;
  #lagMs: number | undefined;
  readonly #sampling: NodeJS.Timeout;

  constructor(private readonly lock: Lock) {
    this.#sample();
    this.#sampling = setInterval(() => this.#sample(), SAMPLE_MS);
    lock.signal.addEventListener('abort', () => {
      this.#abortedAt = performance.now();
      clearInterval(this.#sampling);
    });
  }

  /** Whether the signal and the plain timer have both fired. */
  get settled(): boolean {
    return this.#abortedAt !== undefined && this.#lagMs !== undefined;
  }

  /** What is known; call it when `settled`, or when it is too late. */
  finish(): LossTiming {
    clearInterval(this.#sampling);
    clearTimeout(this.#plainTimer);
    const lateMs = this.#abortedAt === undefined ? null : this.#abortedAt - this.#deadline;
    return { lateMs, lagMs: this.#lagMs ?? 0 };
  }

  /** Renewals move the deadline; the last sample before the loss tells the one that counts. */
  #sample(): void {
    const { remaining } = this.lock;
    const deadline = performance.now() + remaining;
    if (remaining === 0 || deadline <= this.#deadline + SAME_MS) return;
    this.#deadline = deadline;
    clearTimeout(this.#plainTimer);
    this.#plainTimer = setTimeout(() => {
      this.#lagMs = Math.max(0, performance.now() - deadline);
    }, Math.ceil(remaining));
  }
}
