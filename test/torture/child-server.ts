/** The child's side of a torture's processes: answers calls of the parent, reports what it missed. */

/** What travels from parent to child. */
export interface ChildCall {
  readonly id: number;
  readonly method: string;
  readonly args: readonly unknown[];
}

/** What travels from child to parent: an answer, or something that happened by itself. */
export type ChildMessage =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: string }
  | { readonly unhandled: string }
  | { readonly event: unknown };

/** The methods of a child, by name. */
export type ChildMethods = Readonly<Record<string, (...args: never[]) => unknown>>;

/** Serves `methods` until the parent is gone. */
export function serveParent(methods: ChildMethods): void {
  // A rejection nobody handles ends a process by default; here it is counted instead.
  process.on('unhandledRejection', (reason) => send({ unhandled: textOf(reason) }));
  process.on('uncaughtException', (error) => send({ unhandled: textOf(error) }));
  process.on('disconnect', () => process.exit());
  process.on('message', (call: ChildCall) => void answer(methods, call));
}

/** Tells the parent. Messages sent before a SIGKILL still arrive. */
export function emitToParent(event: unknown): void {
  send({ event });
}

async function answer(methods: ChildMethods, { id, method, args }: ChildCall): Promise<void> {
  try {
    const run = methods[method] as ((...args: readonly unknown[]) => unknown) | undefined;
    if (!run) throw new TypeError(`the child has no method '${method}'`);
    send({ id, value: await run(...args) });
  } catch (error) {
    send({ id, error: textOf(error) });
  }
}

function send(message: ChildMessage): void {
  if (process.connected) process.send?.(message, undefined, {}, () => {});
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
