/** Shows what is going on: one living line on a terminal, plain lines elsewhere. */
import { Injectable } from '@nestjs/common';

/** Erases the current line of a terminal. */
const CLEAR_LINE = '\r\u001B[2K';
const REDRAW_EVERY_MS = 100;

/** Writes to standard output; results of the run go through the other reporters. */
@Injectable()
export class ProgressReporter {
  readonly #live = process.stdout.isTTY === true;
  #title = '';
  #detail = '';
  #drawnAt = 0;

  /** Announces `work`, and says how long it took. */
  async step<T>(title: string, work: () => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    this.#title = title;
    this.#detail = '';
    this.#draw();
    try {
      const result = await work();
      this.#end('✓', title, startedAt);
      return result;
    } catch (error) {
      this.#end('✗', title, startedAt);
      throw error;
    }
  }

  /** Shows how far the current step is; terminals only. */
  update(detail: string): void {
    this.#detail = detail;
    if (this.#live && performance.now() - this.#drawnAt > REDRAW_EVERY_MS) this.#draw();
  }

  /** What the current step found; stays on its line. */
  conclude(detail: string): void {
    this.#detail = detail;
  }

  /** Prints a line of its own. */
  say(line: string): void {
    process.stdout.write(`${line}\n`);
  }

  #draw(): void {
    this.#drawnAt = performance.now();
    if (!this.#live) return;
    const text = `  … ${this.#title}${this.#detail && ` · ${this.#detail}`}`;
    // A line that wraps could not be erased again; some terminals say that they have no columns.
    process.stdout.write(CLEAR_LINE + text.slice(0, (process.stdout.columns || 80) - 1));
  }

  #end(mark: string, title: string, startedAt: number): void {
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
    const found = this.#detail && ` · ${this.#detail}`;
    this.say(`${this.#live ? CLEAR_LINE : ''}  ${mark} ${title}${found} (${seconds} s)`);
  }
}
