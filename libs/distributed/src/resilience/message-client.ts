/** A Nest `ClientProxy` under a policy, known here by its shape: microservices is an optional peer. */
import { Observable, ReplaySubject, type Subscription } from 'rxjs';
import type { AttemptContext } from './attempt.js';
import type { Policy } from './policy.js';

/* oxlint-disable typescript/no-explicit-any -- the shape of Nest's own ClientProxy */
/** What `wrapClient` needs of a client. */
export interface MessageClient {
  send<R = any, I = any>(pattern: any, data: I): Observable<R>;
  emit<R = any, I = any>(pattern: any, data: I): Observable<R>;
}

/** Settings of one wrapped client. */
export interface WrapOptions {
  /**
   * Which messages may be sent again although the other side may have handled them. Overrides the
   * policy; `undefined` from the function leaves it to the policy.
   */
  readonly idempotent?: boolean | ((pattern: any, data: any) => boolean | undefined);
}
/* oxlint-enable typescript/no-explicit-any */

type Send = (pattern: unknown, data: unknown) => Observable<unknown>;

/** Ends the stream without a value of its own: the values went through already. */
const COMPLETED = Symbol('completed');

/**
 * Wraps `send` and `emit`; every other member is the client's own.
 * - `send` stays cold: each subscription is one call. Values pass as they arrive, and once one has
 *   passed the message is never sent again. Unsubscribing ends the call.
 * - `emit` stays hot: it is sent whether or not anybody subscribes.
 */
export function wrapClient<C extends MessageClient>(
  client: C,
  policy: Policy,
  options: WrapOptions,
): C {
  const under =
    (method: Send): Send =>
    (pattern, data) =>
      protectedStream(
        () => method(pattern, data),
        policy,
        () =>
          typeof options.idempotent === 'function'
            ? options.idempotent(pattern, data)
            : options.idempotent,
      );
  const send = under((pattern, data) => client.send(pattern, data));
  const emitted = under((pattern, data) => client.emit(pattern, data));
  const emit: Send = (pattern, data) => {
    const result = new ReplaySubject<unknown>();
    emitted(pattern, data).subscribe(result);
    return result.asObservable();
  };
  return new Proxy(client, {
    get(target, property) {
      if (property === 'send') return send;
      if (property === 'emit') return emit;
      const value: unknown = Reflect.get(target, property, target);
      // Bound, because private fields are not reachable through a proxy.
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

function protectedStream(
  open: () => Observable<unknown>,
  policy: Policy,
  idempotent: () => boolean | undefined,
): Observable<unknown> {
  return new Observable((subscriber) => {
    const unsubscribed = new AbortController();
    let delivered = false;
    let settled = false;
    const attempt = (context: AttemptContext): Promise<unknown> =>
      drain(open(), context.signal, (value) => {
        delivered = true;
        subscriber.next(value);
      });
    // A repetition would deliver the first values twice.
    const repeatable = (): boolean => !delivered;
    policy.execute(attempt, { signal: unsubscribed.signal, idempotent, repeatable }).then(
      (result) => {
        settled = true;
        if (result !== COMPLETED) subscriber.next(result);
        subscriber.complete();
      },
      (error: unknown) => {
        settled = true;
        subscriber.error(error);
      },
    );
    return () => {
      if (!settled) unsubscribed.abort();
    };
  });
}

/** Resolves when the stream completes; unsubscribes when the attempt is over before. */
function drain(
  stream: Observable<unknown>,
  signal: AbortSignal,
  onValue: (value: unknown) => void,
): Promise<typeof COMPLETED> {
  return new Promise((resolve, reject) => {
    let subscription: Subscription | undefined;
    const onAbort = (): void => {
      subscription?.unsubscribe();
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    subscription = stream.subscribe({
      next: onValue,
      error: reject,
      complete: () => resolve(COMPLETED),
    });
    // A stream that emits while it is being subscribed to can be ended before we hold the handle.
    if (signal.aborted) subscription.unsubscribe();
  });
}
