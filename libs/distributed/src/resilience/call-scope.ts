/** What can end a call from outside: its caller, the attempt around it, its total timeout. */

/** Told once, with the reason, when the call is to end. */
type EndListener = (reason: unknown) => void;

/**
 * The cancellation of one call. A call waits for one thing at a time (a slot, an attempt, a pause),
 * so there is one listener, and no `AbortController` unless the protected code asks for a signal.
 */
export class CallScope {
  #ended: { readonly reason: unknown } | undefined;
  #listener: EndListener | undefined;
  #unfollow: (() => void)[] = [];

  /** Ends the call when `signal` aborts. */
  follow(signal: AbortSignal | undefined): void {
    if (!signal) return;
    if (signal.aborted) return this.end(signal.reason);
    const onAbort = (): void => this.end(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    this.#unfollow.push(() => signal.removeEventListener('abort', onAbort));
  }

  /** The reason the call was ended for; undefined while it goes on. */
  get ended(): { readonly reason: unknown } | undefined {
    return this.#ended;
  }

  /** Ends the call; only the first reason counts. */
  end(reason: unknown): void {
    if (this.#ended) return;
    this.#ended = { reason };
    this.#listener?.(reason);
  }

  /** Waits for `promise`-like work: `onEnd` hears of the end until the returned function is called. */
  whileWaiting(onEnd: EndListener): () => void {
    this.#listener = onEnd;
    return () => (this.#listener = undefined);
  }

  /** Lets go of the signals it follows. */
  close(): void {
    for (const unfollow of this.#unfollow) unfollow();
  }
}
