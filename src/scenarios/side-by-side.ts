/** Load and faults at the same time. */

/**
 * Resolves with what `load` found. When one of the two fails, the other is awaited before the
 * failure is passed on: no fault may outlive its scenario and meet servers that are being closed.
 */
export async function sideBySide<T>(load: Promise<T>, faults: Promise<void>): Promise<T> {
  const [loaded, faulted] = await Promise.allSettled([load, faults]);
  if (faulted.status === 'rejected') throw faulted.reason;
  if (loaded.status === 'rejected') throw loaded.reason;
  return loaded.value;
}
