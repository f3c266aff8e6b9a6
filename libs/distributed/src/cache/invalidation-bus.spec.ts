/** The bus hears, counts, notices gaps and its own deafness. Real pub/sub; the bus's clock is the test's. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type RedisServer, startRedis } from '../../../../test/support/redis.fixture.js';
import { RedisConnection } from '../redis/index.js';
import { FakeClock } from '../testing/fake-clock.js';
import { SystemRandom } from '../time/index.js';
import { formatMessage, parseMessage } from './bus-message.js';
import { resolveCacheOptions } from './cache.options.js';
import { InvalidationBus } from './invalidation-bus.js';

const CHANNEL = 'distributed:cache:bus';
const HEARTBEAT_MS = 1_000;
const TIMEOUT_MS = 3_000;

/** A process that stood still: time has passed, but no timer has fired. */
class StallingClock extends FakeClock {
  stalledMs = 0;

  override now(): number {
    return super.now() + this.stalledMs;
  }
}

describe('InvalidationBus', () => {
  let server: RedisServer;
  let connection: RedisConnection;
  let clock: StallingClock;
  let bus: InvalidationBus;
  let heard: string[];
  /** Everything on the channel, in order. */
  let wire: string[];

  beforeAll(async () => {
    server = await startRedis();
    connection = await RedisConnection.connect({ url: server.url });
    await connection.subscribe(CHANNEL, (message) => wire.push(message));
  });
  afterAll(async () => {
    await connection.close();
    await server.stop();
  });
  beforeEach(async () => {
    [clock, heard, wire] = [new StallingClock(), [], []];
    bus = new InvalidationBus(connection, clock, new SystemRandom(), resolveCacheOptions({}));
    bus.onInvalidation((cache, key) => heard.push(`${cache}/${String(key)}`));
    await bus.start();
    await delivered();
  });
  afterEach(() => bus.stop());

  /** Publishes, and waits until it has arrived. */
  async function send(...texts: string[]): Promise<void> {
    for (const text of texts) {
      const count = wire.length;
      await connection.client.publish(CHANNEL, text);
      while (!wire.slice(count).includes(text)) await clock.settle();
    }
  }

  /** What was published before, heartbeats included, has arrived. */
  const delivered = (): Promise<void> =>
    send(
      formatMessage({ kind: 'heartbeat', node: `marker ${Math.random()}`, sequence: 0, sentAt: 0 }),
    );

  const forget = (sequence: number): string =>
    formatMessage({
      kind: 'forget',
      node: 'peer',
      sequence,
      cache: 'c',
      key: `k${sequence}`,
      mode: 'hard',
    });
  const heartbeat = (sequence: number): string =>
    formatMessage({ kind: 'heartbeat', node: 'peer', sequence, sentAt: 0 });

  it('passes invalidations of others on, whole caches too, and ignores its own', async () => {
    const own = bus.announcement('c', 'own');
    expect(own.channel).toBe(CHANNEL);
    const all = formatMessage({
      kind: 'forget',
      node: 'peer',
      sequence: 2,
      cache: 'c',
      key: undefined,
      mode: 'hard',
    });
    await send(own.text, forget(1), all);
    expect(heard).toEqual(['c/k1', 'c/undefined']);
  });

  it('passes tags on, and tells an expiry from a deletion; both are numbered', async () => {
    const before = bus.epoch;
    const modes: string[] = [];
    const tags: string[] = [];
    bus.onInvalidation((_cache, _key, mode) => modes.push(mode));
    bus.onTag((tag) => tags.push(tag));
    const numbered = { node: 'peer', cache: 'c', key: 'k' };
    await send(
      formatMessage({ ...numbered, kind: 'forget', sequence: 1, mode: 'hard' }),
      formatMessage({ ...numbered, kind: 'forget', sequence: 2, mode: 'soft' }),
      formatMessage({ kind: 'tag', node: 'peer', sequence: 3, tag: 'st' }),
      heartbeat(3),
    );
    expect(modes).toEqual(['hard', 'soft']);
    expect(tags).toEqual(['st']);
    expect(bus.epoch).toBe(before);
  });

  it('takes the first message of a node for granted, and consecutive ones for complete', async () => {
    const before = bus.epoch;
    await send(forget(7), heartbeat(7), forget(8), heartbeat(8));
    expect(bus.epoch).toBe(before);
  });

  it.each([
    ['a later message', [forget(1), forget(3)]],
    [
      'a heartbeat that counts more (catches: numbering without a heartbeat)',
      [forget(1), heartbeat(2)],
    ],
    ['a message it does not understand', ['["F",2]']],
    ['noise', ['not even JSON']],
  ])('starts a new epoch at a gap shown by %s', async (_name, messages) => {
    const before = bus.epoch;
    await send(...messages);
    expect(bus.epoch).toBe(before + 1);
  });

  it('passes late and repeated messages on, without a new epoch', async () => {
    await send(forget(2));
    const before = bus.epoch;
    await send(forget(2), forget(1));
    expect(heard).toEqual(['c/k2', 'c/k2', 'c/k1']);
    expect(bus.epoch).toBe(before);
  });

  it('numbers its own messages, and repeats the last number in the heartbeat', async () => {
    bus.announcement('c', 'a');
    bus.announcement('c', 'b');
    await clock.advance(HEARTBEAT_MS);
    await delivered();
    const own = wire
      .map(parseMessage)
      .filter((message) => !/^(marker|peer)/.test(message?.node ?? ''));
    expect(own.at(-1)).toMatchObject({ kind: 'heartbeat', sequence: 2, sentAt: HEARTBEAT_MS });
  });

  it('stays fresh while its heartbeats come back', async () => {
    for (let beat = 0; beat < 10; beat++) {
      await clock.advance(HEARTBEAT_MS);
      await delivered();
      expect(bus.fresh).toBe(true);
    }
  });

  it('is not fresh when no echo came for the timeout, as after a stopped process (catches: trusting the socket)', async () => {
    await clock.advance(1);
    await server.freeze();
    await clock.advance(TIMEOUT_MS);
    expect(bus.fresh).toBe(false);
    await server.thaw();
    await delivered();
    await clock.advance(HEARTBEAT_MS);
    await delivered();
    expect(bus.fresh).toBe(true);
  });

  it('judges by when the echoed heartbeat was sent, not by when it came (catches: an old echo hides the messages behind it)', async () => {
    const node = wire
      .map(parseMessage)
      .find((message) => !message?.node.startsWith('marker'))?.node;
    const echo = (sentAt: number): string =>
      formatMessage({ kind: 'heartbeat', node: String(node), sequence: 0, sentAt });
    clock.stalledMs = 60_000;
    expect(bus.fresh).toBe(false);
    await send(echo(0));
    expect(bus.fresh).toBe(false);
    await send(echo(clock.now()));
    expect(bus.fresh).toBe(true);
  });

  it('starts a new epoch when its subscriber comes back, and is deaf in between', async () => {
    const before = bus.epoch;
    const down = new Promise<void>((resolve) =>
      connection.onSubscriberChange((state) => state === 'down' && resolve()),
    );
    const up = new Promise<void>((resolve) =>
      connection.onSubscriberChange((state) => state === 'up' && resolve()),
    );
    await connection.client.client('KILL', 'TYPE', 'pubsub');
    await down;
    expect(bus.fresh).toBe(false);
    await up;
    expect(bus.fresh).toBe(true);
    expect(bus.epoch).toBe(before + 1);
    await send(forget(50), forget(51));
    expect(bus.epoch).toBe(before + 1);
  });

  it('leaves no timer behind', () => {
    bus.stop();
    expect(clock.pendingTimers).toBe(0);
    expect(bus.fresh).toBe(false);
  });
});
