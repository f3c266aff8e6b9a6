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

  /** Resolves when it is rung (also since the last reset), at the latest after `ms`. */
  async heard(ms: number, clock: Clock): Promise<void> {
    if (this.#rung) return;
    let timer: Timer | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      if (ms < Infinity) timer = clock.setTimer(resolve, ms, { keepAlive: true });
    });
    timer?.cancel();
    this.#wake = undefined;
  }
}
