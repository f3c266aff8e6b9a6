import { describe, expect, it } from '@jest/globals';
import {
  firstValueFrom,
  lastValueFrom,
  NEVER,
  Observable,
  of,
  take,
  throwError,
  toArray,
} from 'rxjs';
import { refused, reset, serviceOf, watch } from '../../../../test/support/resilience.fixture.js';
import type { PolicyOptions, WrapOptions } from './index.js';

/** A client with a private field, whose answers the test decides. */
class Client {
  readonly sent: unknown[] = [];
  subscriptions = 0;
  readonly #secret = 'secret';

  constructor(readonly answer: (attempt: number) => Observable<unknown>) {}

  send<R>(pattern: unknown, data: unknown): Observable<R> {
    return new Observable<R>((subscriber) => {
      this.sent.push([pattern, data]);
      this.subscriptions++;
      const inner = (this.answer(this.sent.length) as Observable<R>).subscribe(subscriber);
      return () => {
        this.subscriptions--;
        inner.unsubscribe();
      };
    });
  }

  emit<R>(pattern: unknown, data: unknown): Observable<R> {
    return this.send(pattern, data);
  }

  secret(): string {
    return this.#secret;
  }
}

function wrapped(
  answer: (attempt: number) => Observable<unknown>,
  policy: PolicyOptions,
  options?: WrapOptions,
) {
  const { service, clock } = serviceOf({ p: policy });
  const client = new Client(answer);
  return { client, clock, wrapper: service.wrapClient(client, 'p', options) };
}

describe('wrapClient: send', () => {
  it('passes every value and the end; each subscription is a call of its own', async () => {
    const { client, wrapper } = wrapped(() => of(1, 2, 3), { timeout: '1s' });
    const stream = wrapper.send('pattern', { id: 1 });
    expect(client.sent).toEqual([]);
    await expect(lastValueFrom(stream.pipe(toArray()))).resolves.toEqual([1, 2, 3]);
    await lastValueFrom(stream);
    expect(client.sent).toEqual([
      ['pattern', { id: 1 }],
      ['pattern', { id: 1 }],
    ]);
  });

  it('T4: settles when no reply ever comes, and unsubscribes from the client', async () => {
    const { client, clock, wrapper } = wrapped(() => NEVER, { timeout: '1s' });
    const call = watch(firstValueFrom(wrapper.send('pattern', {})));
    await clock.advance(1_000);
    expect(call.error).toMatchObject({ code: 'E_RESILIENCE_TIMEOUT', executed: 'unknown' });
    expect(client.subscriptions).toBe(0);
  });

  it('sends again what was surely not executed, and no more', async () => {
    const notSent = wrapped((attempt) => (attempt < 3 ? throwError(refused) : of('ok')), {
      retry: {},
    });
    const call = watch(firstValueFrom(notSent.wrapper.send('pattern', {})));
    await notSent.clock.advance(1_000);
    expect([call.value, notSent.client.sent.length]).toEqual(['ok', 3]);

    const perhapsSent = wrapped(() => throwError(reset), { retry: {} });
    const other = watch(firstValueFrom(perhapsSent.wrapper.send('pattern', {})));
    await perhapsSent.clock.advance(1_000);
    expect([other.settled, perhapsSent.client.sent.length]).toEqual([true, 1]);
  });

  it('idempotency may depend on the message', async () => {
    const options: WrapOptions = { idempotent: (pattern) => pattern === 'read' };
    const { client, clock, wrapper } = wrapped(() => throwError(reset), { retry: {} }, options);
    watch(firstValueFrom(wrapper.send('read', {})));
    watch(firstValueFrom(wrapper.send('write', {})));
    await clock.advance(1_000);
    expect(client.sent.map((sent) => (sent as [string])[0]).toSorted()).toEqual([
      'read',
      'read',
      'read',
      'write',
    ]);
  });

  it('never sends again once a value has passed', async () => {
    // Mutation: without `repeatable` the caller would see the first value twice.
    const answer = (): Observable<unknown> =>
      new Observable((subscriber) => {
        subscriber.next('first');
        subscriber.error(refused());
      });
    const { client, clock, wrapper } = wrapped(answer, { retry: {} }, { idempotent: true });
    const values: unknown[] = [];
    const errors: unknown[] = [];
    wrapper.send('pattern', {}).subscribe({
      next: (value) => values.push(value),
      error: (error: unknown) => errors.push(error),
    });
    await clock.advance(1_000);
    expect([values, errors.length, client.sent.length]).toEqual([['first'], 1, 1]);
  });

  it('ends with its subscriber, also in the middle of a synchronous burst', async () => {
    const waiting = wrapped(() => NEVER, { retry: {} });
    const subscription = waiting.wrapper.send('pattern', {}).subscribe();
    await waiting.clock.settle();
    subscription.unsubscribe();
    await waiting.clock.settle();
    expect(waiting.client.subscriptions).toBe(0);

    const endless = new Observable((subscriber) => subscriber.next(1));
    const burst = wrapped((attempt) => (attempt === 1 ? throwError(refused) : endless), {
      retry: {},
    });
    const call = watch(firstValueFrom(burst.wrapper.send('pattern', {}).pipe(take(1))));
    await burst.clock.advance(1_000);
    expect([call.value, burst.client.subscriptions]).toEqual([1, 0]);
  });

  it('a fallback becomes the value', async () => {
    const { wrapper } = wrapped(() => throwError(refused), { fallback: () => 'substitute' });
    await expect(lastValueFrom(wrapper.send('pattern', {}))).resolves.toBe('substitute');
  });
});

describe('wrapClient: emit', () => {
  it('T29: is sent without a subscriber, once, however many subscribe later', async () => {
    const { client, clock, wrapper } = wrapped(() => of(undefined), { timeout: '1s' });
    const result = wrapper.emit('event', { id: 1 });
    await clock.settle();
    expect(client.sent).toEqual([['event', { id: 1 }]]);
    await Promise.all([lastValueFrom(result), lastValueFrom(result)]);
    expect(client.sent).toHaveLength(1);
  });

  it('a failure nobody looks at harms nobody', async () => {
    const { client, clock, wrapper } = wrapped(() => throwError(refused), { retry: {} });
    const unhandled: unknown[] = [];
    const listener = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', listener);
    wrapper.emit('event', {});
    await clock.advance(1_000);
    process.off('unhandledRejection', listener);
    expect([client.sent.length, unhandled]).toEqual([3, []]);
  });
});

describe('wrapClient: everything else', () => {
  it("is the client's own, private fields included", () => {
    const { client, wrapper } = wrapped(() => of(1), { timeout: '1s' });
    expect(wrapper.secret()).toBe('secret');
    expect(wrapper.sent).toBe(client.sent);
    expect(wrapper).toBeInstanceOf(Client);
  });
});
