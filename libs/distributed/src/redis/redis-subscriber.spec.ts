/** Messages arrive, or the subscriber says that they may not. */
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Redis } from 'ioredis';
import { nextRedisState, SHORT } from '../../../../test/support/redis-state.fixture.js';
import { type RedisServer, startRedis } from '../../../../test/support/redis.fixture.js';
import { createFaultProxy, type FaultProxy } from '../testing/index.js';
import { RedisConnection } from './redis.connection.js';

describe('RedisConnection.subscribe', () => {
  let server: RedisServer;
  let proxy: FaultProxy;
  let judge: Redis;
  let connection: RedisConnection;

  beforeEach(async () => {
    server = await startRedis();
    proxy = await createFaultProxy(server.url);
    judge = new Redis(server.url);
    connection = await RedisConnection.connect({ ...SHORT, url: proxy.url() });
  });

  afterEach(async () => {
    await server.thaw();
    await connection.close();
    judge.disconnect();
    await proxy.stop();
    await server.stop();
  });

  /** A listener, and its next message. */
  function inbox(): { listener: (message: string) => void; next: () => Promise<string> } {
    const messages: string[] = [];
    let wake = (): void => {};
    return {
      listener: (message) => {
        messages.push(message);
        wake();
      },
      next: async () => {
        while (messages.length === 0) await new Promise<void>((resolve) => (wake = resolve));
        return messages.shift() ?? '';
      },
    };
  }

  async function connections(): Promise<number> {
    const list = String(await judge.client('LIST', 'TYPE', 'PUBSUB')).trim();
    return list.split('\n').length;
  }

  it('resolves when messages can no longer be missed', async () => {
    const { listener, next } = inbox();
    await connection.subscribe('news', listener);
    expect(await judge.publish('news', 'first')).toBe(1);
    expect(await next()).toBe('first');
    expect(connection.subscriberUp).toBe(true);
  });

  it('uses one connection for all channels and listeners', async () => {
    const [a, b] = [inbox(), inbox()];
    await Promise.all([
      connection.subscribe('news', a.listener),
      connection.subscribe('news', b.listener),
      ...Array.from({ length: 20 }, (_, n) => connection.subscribe(`other-${n}`, () => {})),
    ]);
    await judge.publish('news', 'to both');
    expect([await a.next(), await b.next()]).toEqual(['to both', 'to both']);
    const clients = String(await judge.client('LIST', 'TYPE', 'PUBSUB'))
      .trim()
      .split('\n');
    expect(clients).toHaveLength(1);
  });

  it('ends with the last listener of a channel', async () => {
    const [a, b] = [inbox(), inbox()];
    const first = await connection.subscribe('news', a.listener);
    const second = await connection.subscribe('news', b.listener);
    first.unsubscribe();
    first.unsubscribe();
    await judge.publish('news', 'for b');
    expect(await b.next()).toBe('for b');
    second.unsubscribe();
    // The next subscription is acknowledged after the UNSUBSCRIBE on the same connection.
    await connection.subscribe('later', () => {});
    expect(await judge.pubsub('NUMSUB', 'news')).toEqual(['news', 0]);
    const again = inbox();
    await connection.subscribe('news', again.listener);
    await judge.publish('news', 'again');
    expect(await again.next()).toBe('again');
  });

  it.each(['the connection is cut', 'the server is killed', 'the server freezes'])(
    'says down and comes back with all channels when %s',
    async (fault) => {
      const { listener, next } = inbox();
      await connection.subscribe('news', listener);
      await connection.subscribe('other', () => {});
      const states: string[] = [];
      // Catches 'up' on ready instead of on the acknowledged SUBSCRIBE: nobody would receive this.
      const receivers: Promise<number>[] = [];
      connection.onSubscriberChange((state) => {
        states.push(state);
        if (state === 'up') receivers.push(judge.publish('news', 'while up'));
      });
      const down = nextRedisState('subscriber', 'down');
      const up = nextRedisState('subscriber', 'up');
      proxy.latency(20);
      if (fault === 'the connection is cut') proxy.resetAll();
      else if (fault === 'the server is killed') await server.kill();
      else await server.freeze();
      await down;
      expect(connection.subscriberUp).toBe(false);
      if (fault === 'the server is killed') await server.restart();
      await server.thaw();
      await up;
      expect(states).toEqual(['down', 'up']);
      expect(await Promise.all(receivers)).toEqual([1]);
      expect(await next()).toBe('while up');
    },
  );

  it('takes another connection when SUBSCRIBE is not acknowledged', async () => {
    proxy.dropNextReply({ to: 'subscribe', keepOpen: true });
    const { listener, next } = inbox();
    await connection.subscribe('news', listener, { deadlineMs: 10_000 });
    await judge.publish('news', 'on the second');
    expect({ message: await next(), dropped: proxy.droppedReplies }).toEqual({
      message: 'on the second',
      dropped: 1,
    });
    expect(await connections()).toBe(1);
  });

  it('rejects at its deadline, and waits through an outage that is shorter', async () => {
    proxy.blackhole('both');
    await expect(connection.subscribe('news', () => {}, { deadlineMs: 100 })).rejects.toMatchObject(
      { code: 'E_REDIS_DEADLINE' },
    );
    const { listener, next } = inbox();
    const subscribed = connection.subscribe('news', listener, { deadlineMs: 10_000 });
    await proxy.heal();
    await subscribed;
    await judge.publish('news', 'after all');
    expect(await next()).toBe('after all');
  });

  it('rejects subscriptions that wait when it closes, and later ones', async () => {
    proxy.blackhole('both');
    const waiting = connection.subscribe('news', () => {}, { deadlineMs: 60_000 });
    const [outcome] = await Promise.allSettled([waiting, connection.close()]);
    expect(outcome).toMatchObject({ reason: { code: 'E_REDIS_UNAVAILABLE' } });
    await expect(connection.subscribe('news', () => {})).rejects.toMatchObject({
      code: 'E_REDIS_UNAVAILABLE',
      executed: 'no',
    });
  });

  it('survives a listener that throws', async () => {
    const log = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => {});
    const { listener, next } = inbox();
    await connection.subscribe('news', () => {
      throw new Error('bug');
    });
    await connection.subscribe('news', listener);
    await judge.publish('news', 'for the other');
    expect(await next()).toBe('for the other');
    expect(log).toHaveBeenCalledTimes(1);
    log.mockRestore();
  });
});
