/** Tells operations that never settle from a process that merely stood still. */

/** Time for replies to be read after a thaw before anything is called a hang. */
const SECOND_LOOK_MS = 1_500;

/** True when `work` is still pending after `limitMs` and a second look. */
export async function hangs(work: Promise<unknown>, limitMs: number): Promise<boolean> {
  const settled = work.then(
    () => true,
    () => true,
  );
  for (const ms of [limitMs, SECOND_LOOK_MS]) {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), ms);
    });
    const done = await Promise.race([settled, late]);
    clearTimeout(timer);
    if (done) return false;
  }
  return true;
}
