/** Libraries to compare with, which may be missing where nobody runs the bench. */

/**
 * Loads an installed peer. `T` is the little of it that its competitor uses, written down there: the
 * peer's own types must not be needed to check this code.
 */
export async function peer<T>(name: string): Promise<T> {
  const module = (await import(name)) as unknown;
  return module as T;
}
