/** How late this machine is by itself, so that a verdict about milliseconds can leave that out. */

const EVERY_MS = 5;
const KEPT = 4_000;

/** Watches how late a plain timer of this process fires. */
export class LagMeter {
  readonly #late: { at: number; ms: number }[] = [];
  readonly #timer: NodeJS.Timeout;
  #due = performance.now() + EVERY_MS;

  constructor() {
    this.#timer = setInterval(() => this.#tick(), EVERY_MS);
    this.#timer.unref();
  }

  /** The worst delay, ms, of a plain timer that was due after `since` (`performance.now()`). */
  worstSince(since: number): number {
    this.#tick();
    return Math.max(0, ...this.#late.filter(({ at }) => at >= since).map(({ ms }) => ms));
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const at = performance.now();
    const ms = at - this.#due;
    if (ms > 0) this.#late.push({ at, ms });
    if (this.#late.length > KEPT) this.#late.splice(0, KEPT / 2);
    this.#due = at + EVERY_MS;
  }
}
