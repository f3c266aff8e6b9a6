/** Wakes one sleeper, also when it rings a moment before he lies down. */
import type { Clock, Timer } from '../time/index.js';

/** Remembers that it was rung until `reset()`. */
export class Bell {
  #rung = false;
  #wake: (() => void) | undefined;

  /** There is something to look at. */
  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** Forgets earlier rings: what they told is about to be seen anyway. */
  reset(): void {
    this.#rung = false;
  }

  /** True when it is rung (also since the last reset), false when `ms` are over first. */
  async heard(ms: number, clock: Clock): Promise<boolean> {
    if (this.#rung) return true;
    let timer: Timer | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = clock.setTimer(resolve, ms, { keepAlive: true });
    });
    timer?.cancel();
    this.#wake = undefined;
    return this.#rung;
  }
}
