/** Where the values of a worker come from. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Key } from './contender.js';

/** A source that counts, may be slow, and whose values have a version. */
export class Source {
  calls = 0;
  delayMs = 0;
  version = 0;
  /** Instead of the usual value. */
  make: ((key: Key) => unknown) | undefined;

  readonly load = async (key: Key): Promise<unknown> => {
    this.calls++;
    if (this.delayMs > 0) await delay(this.delayMs);
    if (this.make) return this.make(key);
    const { version } = this;
    return { id: key, version, name: `customer ${key}`, active: true, orders: [1, 2, 3] };
  };
}

/** The one of this process. */
export const source = new Source();
