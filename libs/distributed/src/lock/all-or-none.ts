/** Several things that are obtained one after the other, and given back if one cannot be had. */

/** How one of them is obtained and given back. */
export interface Obtaining<T> {
  /** Null when it cannot be had. */
  readonly obtain: (key: string, got: readonly T[]) => Promise<T | null>;
  /** Never rejects. */
  readonly giveBack: (thing: T) => Promise<unknown>;
}

/** All of them, in the order of the keys; null, or the error of one, when not all can be had. */
export async function allOrNone<T>(
  keys: readonly string[],
  { obtain, giveBack }: Obtaining<T>,
): Promise<T[] | null> {
  const got: T[] = [];
  let complete = false;
  try {
    for (const key of keys) {
      const thing = await obtain(key, got);
      if (!thing) return null;
      got.push(thing);
    }
    complete = true;
    return got;
  } finally {
    if (!complete) await Promise.all(got.map((thing) => giveBack(thing)));
  }
}
