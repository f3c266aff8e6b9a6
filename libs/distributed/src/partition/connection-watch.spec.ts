/** The watch over connections, on a clock that the test drives and clients that answer when told to. */
import { beforeEach, describe, expect, it } from '@jest/globals';
import { EventEmitter } from 'node:events';
import { FakeClock } from '../testing/fake-clock.js';
import { ConnectionWatch } from './connection-watch.js';
import type { PgClient } from './pg-client.js';

const SILENCE_MS = 2_000;
const DEADLINE_MS = 30_000;

/** A connection whose statements are answered by the test. */
class FakeClient extends EventEmitter implements PgClient {
  readonly answers: PromiseWithResolvers<unknown>[] = [];
  ending = false;
  readonly connection = {
    stream: {
      destroyed: false,
      destroy: (): void => {
        this.connection.stream.destroyed = true;
        for (const { reject } of this.answers) reject(new Error('Connection terminated'));
        this.emit('end');
      },
    },
  };

  constructor(readonly config: object) {
    super();
  }

  async connect(): Promise<void> {}

  async end(): Promise<void> {
    this.ending = true;
  }

  query(): Promise<unknown> {
    const answer = withResolvers();
    this.answers.push(answer);
    return answer.promise;
  }
}

interface PromiseWithResolvers<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(reason: unknown): void;
}

function withResolvers(): PromiseWithResolvers<unknown> {
  let resolve: (value: unknown) => void = () => undefined;
  let reject: (reason: unknown) => void = () => undefined;
  const promise = new Promise<unknown>((onValue, onReason) => {
    resolve = onValue;
    reject = onReason;
  });
  return { promise, resolve, reject };
}

describe('ConnectionWatch', () => {
  let clock: FakeClock;
  let checks: PromiseWithResolvers<unknown>[];
  let watch: ConnectionWatch;
  let open: () => FakeClient;

  beforeEach(() => {
    clock = new FakeClock();
    checks = [];
    watch = new ConnectionWatch({
      shard: 's1',
      clock,
      connectTimeoutMs: 700,
      silenceMs: SILENCE_MS,
      deadlineMs: DEADLINE_MS,
      check: async () => {
        checks.push(withResolvers());
        await checks.at(-1)!.promise;
      },
    });
    const Client = watch.clientClass(FakeClient);
    open = () => new Client({ host: 'h', connectionTimeoutMillis: 10_000 }) as FakeClient;
  });

  const failure = (call: unknown): Promise<unknown> =>
    (call as Promise<unknown>).catch((error: unknown) => error);

  it("opening has its own timeout, beside the pool's (mutation: one for both)", () => {
    expect(open().config).toEqual({ host: 'h', connectionTimeoutMillis: 700 });
  });

  it('an answer in time passes and leaves no timer', async () => {
    const client = open();
    const call = client.query();
    client.answers[0]!.resolve('rows');
    await expect(call).resolves.toBe('rows');
    expect(clock.pendingTimers).toBe(0);
  });

  it('an SQL error passes as the same object', async () => {
    const client = open();
    const call = failure(client.query());
    const error = Object.assign(new Error('duplicate'), { code: '23505' });
    client.answers[0]!.reject(error);
    expect(await call).toBe(error);
    expect(client.ending).toBe(false);
  });

  it('silence asks the server; a dead one fails the statement at once', async () => {
    const client = open();
    const call = failure(client.query());
    await clock.advance(SILENCE_MS - 1);
    expect(checks).toHaveLength(0);
    await clock.advance(1);
    expect(checks).toHaveLength(1);
    expect(client.connection.stream.destroyed).toBe(false);
    checks[0]!.reject(new Error('dead'));
    expect(await call).toMatchObject({ reason: 'silent', executed: 'unknown', retryable: true });
    expect(clock.pendingTimers).toBe(0);
  });

  it('a live server gets the whole deadline, counted from the start (mutation: counted from the check)', async () => {
    const client = open();
    const call = failure(client.query());
    await clock.advance(SILENCE_MS);
    checks[0]!.resolve(undefined);
    await clock.advance(DEADLINE_MS - SILENCE_MS - 1);
    expect(client.connection.stream.destroyed).toBe(false);
    await clock.advance(1);
    expect(await call).toMatchObject({ reason: 'silent' });
  });

  it('a verdict that comes after the answer harms nobody (mutation: sever without looking)', async () => {
    const client = open();
    const call = client.query();
    await clock.advance(SILENCE_MS);
    client.answers[0]!.resolve('late');
    await expect(call).resolves.toBe('late');
    checks[0]!.reject(new Error('dead'));
    await clock.settle();
    expect(client.connection.stream.destroyed).toBe(false);
  });

  it('a dying session is marked before its caller knows (mutation: the pool hands it to the next)', async () => {
    const client = open();
    const seen = failure(client.query()).then((error) => ({ error, ending: client.ending }));
    client.answers[0]!.reject(Object.assign(new Error('shutdown'), { code: '57P01' }));
    expect(await seen).toEqual({
      error: expect.objectContaining({ reason: 'lost', executed: 'unknown' }),
      ending: true,
    });
  });

  it('severIdle spares connections in use (mutation: an outage kills transactions that still work)', () => {
    const [idle, busy] = [open(), open()];
    watch.lease(busy);
    watch.severIdle();
    expect([idle, busy].map(({ connection }) => connection.stream.destroyed)).toEqual([
      true,
      false,
    ]);
    watch.giveBack(busy);
    watch.severIdle();
    expect(busy.connection.stream.destroyed).toBe(true);
  });

  it('drain waits for goodbyes, but not for ever', async () => {
    const [polite, dead] = [open(), open()];
    const drained = watch.drain(500);
    polite.emit('end');
    await clock.advance(499);
    expect(dead.connection.stream.destroyed).toBe(false);
    await clock.advance(1);
    await drained;
    expect(dead.connection.stream.destroyed).toBe(true);
    expect(clock.pendingTimers).toBe(0);
  });
});
